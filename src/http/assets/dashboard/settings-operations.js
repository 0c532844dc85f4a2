// The operations behind users, their sessions, API tokens and one's own password.

const PAGE = '$first: Int, $after: String, $last: Int, $before: String';
const RANGE = 'first: $first, after: $after, last: $last, before: $before';
const INFO = 'pageInfo { hasNextPage hasPreviousPage startCursor endCursor }';
const USER = 'id username role version lastLoginAt createdAt deletedAt';

export const USERS = `query Users($filter: UserFilter, ${PAGE}) {
  users(filter: $filter, ${RANGE}, orderBy: { field: USERNAME }) { nodes { ${USER} } ${INFO} }
}`;
export const CREATE_USER = `mutation CreateUser($input: CreateUserInput!) { createUser(input: $input) { user { ${USER} } } }`;
export const UPDATE_USER = `mutation UpdateUser($input: UpdateUserInput!) { updateUser(input: $input) { user { ${USER} } } }`;
export const DELETE_USER = `mutation DeleteUser($input: DeleteUserInput!) { deleteUser(input: $input) { user { id deletedAt } } }`;

const TOKEN = 'id name role createdAt expiresAt lastUsedAt revokedAt user { id username }';
export const API_TOKENS = `query ApiTokens(${PAGE}) {
  apiTokens(filter: { isActive: true }, ${RANGE}, orderBy: { field: CREATED_AT, direction: DESC }) { nodes { ${TOKEN} } ${INFO} }
}`;
export const CREATE_TOKEN = `mutation CreateToken($input: CreateApiTokenInput!) {
  createApiToken(input: $input) { token apiToken { ${TOKEN} } }
}`;
export const REVOKE_TOKEN = `mutation RevokeToken($input: RevokeApiTokenInput!) { revokeApiToken(input: $input) { apiToken { id revokedAt } } }`;

export const SESSIONS = `query Sessions($filter: SessionFilter, ${PAGE}) {
  admin { sessions(filter: $filter, ${RANGE}) { nodes { id ipAddress userAgent beganAt seenAt } ${INFO} } }
}`;
export const END_SESSION = 'mutation EndSession($id: ID!) { endUserSession(input: { id: $id }) { session { id } } }';

export const CHANGE_PASSWORD = `mutation ChangePassword($input: ChangePasswordInput!) { changePassword(input: $input) { user { id } } }`;
export const LEAVE_EVERYWHERE = 'mutation LeaveEverywhere { logout(input: { everywhere: true }) { user { id } } }';
