// What every client here needs: where Herald is, and who signs in.

/** The address of the server, without a path. */
export const address = variable('HERALD_URL')
export const endpoint = `${address}/graphql`
export const socketEndpoint = endpoint.replace(/^http/, 'ws')

export const credentials = { username: 'admin', password: variable('HERALD_PASSWORD') }

/** A campaign that has been made and not been started. */
export const campaignId = variable('HERALD_CAMPAIGN')

function variable(name: string): string {
  const value = process.env[name]
  if (value === undefined) throw new Error(`${name} is not set`)
  return value
}
