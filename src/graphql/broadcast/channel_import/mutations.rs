//! Asking for imports of channels.

use crate::prelude::*;
use ::service::imports::channels as service;
use domain::encoding::FileEncoding;

/// What is to be imported.
#[derive(InputObject)]
struct ImportChannelsInput {
    /// The list, uploaded by POST /uploads: JSON, one channel a line, such as
    /// `{"category": "новости", "tgstat_url": "https://tgstat.ru/channel/@proofzzz", "username": "proofzzz", "collected_at": "2025-09-29T11:49:45.782893"}`.
    upload_id: ID,
    /// In which encoding the file is, where that is neither UTF-8 nor UTF-16 with its mark: no file of a code page says which it is.
    encoding: Option<FileEncoding>,
    #[graphql(flatten)]
    repeat: Repeatable,
}

/// The import that was asked for.
#[derive(SimpleObject)]
struct ImportChannelsPayload {
    /// The import. Watch it by `channelImportProgress`.
    import: ChannelImport,
}

/// Asks for imports.
#[derive(Default)]
pub struct ChannelImportMutation;

#[Object]
impl ChannelImportMutation {
    /// Imports channels from an uploaded list. Channels that are there already stay as they are; lines that can't be
    /// understood are reported, and the rest goes in. Importing a list twice changes nothing.
    #[graphql(directive = requires::apply(Permission::CreateChannels))]
    async fn import_channels(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is to be imported.")] input: ImportChannelsInput,
    ) -> Result<ImportChannelsPayload> {
        let upload = input.upload_id.input("uploadId")?;
        let (on, actor) = (ctx.services(), ctx.actor_once(input.repeat)?);
        let import = once(on, &actor, service::create(on, &actor, upload, input.encoding)).await?;
        Ok(ImportChannelsPayload { import: import.into() })
    }
}
