// The operations behind the catalog: channels and batches.

const PAGE = '$first: Int, $after: String, $last: Int, $before: String';
const RANGE = 'first: $first, after: $after, last: $last, before: $before';
const INFO = 'pageInfo { hasNextPage hasPreviousPage startCursor endCursor }';
const CHANNEL = 'id username title category memberCount isActive lastError canPost version';

export const CATALOG = `query Catalog($filter: ChannelFilter, $orderBy: ChannelOrder, ${PAGE}) {
  channels(filter: $filter, orderBy: $orderBy, ${RANGE}) { totalCount nodes { ${CHANNEL} } ${INFO} }
  channelCategories { category channelCount }
}`;
export const UPDATE_CHANNEL = `mutation UpdateChannel($input: UpdateChannelInput!) { updateChannel(input: $input) { channel { ${CHANNEL} } } }`;
export const CATALOG_BATCHES = `query CatalogBatches($name: String, ${PAGE}) {
  batches(filter: { nameContains: $name }, ${RANGE}, orderBy: { field: CREATED_AT, direction: DESC }) {
    nodes { id name channelCount createdAt version }
    ${INFO}
  }
}`;
export const CREATE_BATCH = `mutation CreateBatch($input: CreateBatchInput!) { createBatch(input: $input) { batch { id name channelCount } } }`;
export const DELETE_BATCH = `mutation DeleteBatch($id: ID!) { deleteBatch(input: { id: $id }) { deletedId } }`;
