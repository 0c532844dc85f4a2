//! A terminal for one command, as a person has it: what is typed is echoed, unless the command says otherwise.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};

/// How long the command may take to the next thing that is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

pub struct Terminal {
    keyboard: File,
    child: Child,
    output: Receiver<Vec<u8>>,
    screen: Vec<u8>,
    /// Up to where it was read.
    read: usize,
}

impl Terminal {
    /// Starts a command in a session of its own, whose terminal this is.
    pub fn run(command: &Command) -> Self {
        let own = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&own).unwrap();
        unlockpt(&own).unwrap();
        let its = File::from(ioctl_tiocgptpeer(&own, OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap());
        let mut session = Command::new("setsid");
        session.arg("--ctty").arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => session.env(name, value),
                None => session.env_remove(name),
            };
        }
        session.stdin(its.try_clone().unwrap()).stdout(its.try_clone().unwrap()).stderr(its);
        let child = session.spawn().unwrap();
        let keyboard = File::from(own);
        let mut screen = keyboard.try_clone().unwrap();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // At the end of the command, reading is an error.
            while let Ok(length @ 1..) = screen.read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self { keyboard, child, output, screen: Vec::new(), read: 0 }
    }

    /// Waits until this is shown, after what was waited for before.
    pub fn sees(&mut self, text: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            let rest = &self.screen[self.read..];
            if let Some(at) = rest.windows(text.len()).position(|shown| shown == text.as_bytes()) {
                self.read += at + text.len();
                return;
            }
            match self.output.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(shown) => self.screen.extend(shown),
                Err(error) => panic!("{text:?} was not shown ({error}): {}", self.shown()),
            }
        }
    }

    /// Types a line.
    pub fn types(&mut self, line: &str) {
        writeln!(self.keyboard, "{line}").unwrap();
    }

    /// Types a line, as soon as the terminal shows nothing of it.
    pub fn types_unseen(&mut self, line: &str) {
        let until = Instant::now() + PATIENCE;
        while tcgetattr(&self.keyboard).unwrap().local_modes.contains(LocalModes::ECHO) {
            assert!(Instant::now() < until, "what is typed would be shown");
            std::thread::sleep(Duration::from_millis(5));
        }
        self.types(line);
    }

    /// Waits for the end; tells whether it was a good one, and all that was shown.
    pub fn end(mut self) -> (bool, String) {
        let until = Instant::now() + PATIENCE;
        while let Ok(shown) = self.output.recv_timeout(until.saturating_duration_since(Instant::now())) {
            self.screen.extend(shown);
        }
        let ended = self.child.wait().unwrap();
        (ended.success(), self.shown())
    }

    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.screen).into_owned()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
    }
}
