// Gives Node what browsers, and Node from version 22 on, have by themselves.
import WebSocket from 'ws'

globalThis.WebSocket ??= WebSocket
