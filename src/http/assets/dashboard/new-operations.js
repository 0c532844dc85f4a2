// The operations of the API by which a campaign is made.

/** What there is to write to. */
export const CATEGORIES = 'query Categories { channelCategories { category activeChannelCount } }';

export const BATCHES = `query Batches($name: String) {
  batches(first: 100, filter: { nameContains: $name }, orderBy: { field: CREATED_AT, direction: DESC }) {
    totalCount
    nodes { id name channelCount }
  }
}`;

const SOME = 'totalCount nodes { id username title }';

/** Whom a filter finds: all, and those to whom campaigns write. */
export const FOUND = `query Found($all: ChannelFilter, $active: ChannelFilter) {
  all: channels(filter: $all, first: 1) { totalCount }
  active: channels(filter: $active, first: 20) { ${SOME} }
}`;

export const FOUND_IN_BATCH = `query FoundInBatch($id: ID!) {
  batch(id: $id) {
    id name channelCount
    active: channels(filter: { isActive: true }, first: 20) { ${SOME} }
  }
}`;

export const IMPORT_CHANNELS = `mutation ImportChannels($input: ImportChannelsInput!) {
  importChannels(input: $input) { import { id status } }
}`;

const IMPORT = 'id status lines bytesRead bytesTotal';

export const CHANNEL_IMPORT_PROGRESS = `subscription ChannelImportProgress($id: ID!) {
  channelImportProgress(id: $id) { ${IMPORT} }
}`;

export const CHANNEL_IMPORT = `query ChannelImport($id: ID!) {
  channelImport(id: $id) { ${IMPORT} inserted duplicates invalid errorMessage errors { line message } }
}`;

const TEMPLATE = 'id name content parseMode mediaType mediaUploadId mediaUrl requiredParams version';

export const TEMPLATES = `query Templates($name: String) {
  templates(first: 100, filter: { nameContains: $name }, orderBy: { field: CREATED_AT, direction: DESC }) {
    totalCount
    nodes { ${TEMPLATE} }
  }
}`;

export const TEMPLATE_OF = 'query TemplateOf($id: ID!) { template(id: $id) { id name mediaType } }';
export const BATCH_OF = 'query BatchOf($id: ID!) { batch(id: $id) { id name channelCount } }';

export const PREVIEW = `query Preview(
  $channelId: ID!, $templateId: ID, $content: String, $parseMode: ParseMode, $mediaType: MediaType, $params: JSON
) {
  previewTemplate(
    channelId: $channelId, templateId: $templateId, content: $content, parseMode: $parseMode, mediaType: $mediaType
    params: $params
  ) {
    text utf16Length limit fits placeholders missingPlaceholders warnings entities { type offset length url }
  }
}`;

export const CREATE_TEMPLATE = `mutation CreateTemplate($input: CreateTemplateInput!) {
  createTemplate(input: $input) { template { ${TEMPLATE} } }
}`;

export const UPDATE_TEMPLATE = `mutation UpdateTemplate($input: UpdateTemplateInput!) {
  updateTemplate(input: $input) { template { ${TEMPLATE} } }
}`;

/** The accounts that may send; who may not see them sends by all. */
export const SENDERS = `query Senders {
  telegramAccounts(first: 100, orderBy: { field: LABEL }) {
    totalCount
    nodes { id label status username phoneEnding messagesPerMinute sendsResumeAt }
  }
}`;

export const CREATE_BATCH = `mutation CreateBatch($input: CreateBatchInput!) {
  createBatch(input: $input) { batch { id name channelCount } }
}`;

export const DELETE_BATCH = `mutation DeleteBatch($id: ID!) { deleteBatch(input: { id: $id }) { deletedId } }`;

/** What has become of a campaign that was made here. */
export const CAMPAIGN_STATE = `query CampaignState($id: ID!) {
  broadcastCampaign(id: $id) { id name status mode isSimulated }
}`;

const CAMPAIGN = 'campaign { id status totalJobs }';

export const CREATE_CAMPAIGN = `mutation CreateCampaign($input: CreateBroadcastCampaignInput!) {
  createBroadcastCampaign(input: $input) { ${CAMPAIGN} }
}`;

export const UPDATE_CAMPAIGN = `mutation UpdateCampaign($input: UpdateBroadcastCampaignInput!) {
  updateBroadcastCampaign(input: $input) { ${CAMPAIGN} }
}`;

export const DELETE_CAMPAIGN = `mutation DeleteCampaign($id: ID!) {
  deleteBroadcastCampaign(input: { id: $id }) { deletedId }
}`;
