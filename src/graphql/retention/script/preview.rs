//! What a script says to one lead.

use crate::prelude::*;
use ::service::retention::script::preview as service;

/// What one lead would get of a script, as it would go out; nothing is sent. Links are not Herald's own yet, and the one that ends all
/// emails leads nowhere.
#[derive(SimpleObject)]
struct ScriptPreview {
    /// What stands above an email; null for other channels.
    subject: Option<String>,
    /// The words: of an email in HTML those that go beside the page. Null for a webhook, or if nothing would be sent.
    text: Option<String>,
    /// The page of an email in HTML; null otherwise.
    html: Option<String>,
    /// Where a webhook goes; null for other channels.
    url: Option<String>,
    /// What a webhook carries; null for other channels.
    payload: Option<Json>,
    /// Why this lead would get nothing, such as `not known of the lead: first_name`; null if all is well.
    problem: Option<String>,
    /// What looks like another tool's sign for something to be filled in, such as `{first_name}` or `%name%`, and would be sent as
    /// it stands: a sentence for each.
    warnings: Vec<String>,
}

/// Shows scripts before they are sent.
#[derive(Default)]
pub struct ScriptPreviewQuery;

#[Object]
impl ScriptPreviewQuery {
    /// What a script would say to a lead. Both the words and the page of an email in HTML are shown.
    #[graphql(directive = requires::apply(Permission::ReadContacts))]
    async fn preview_script(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is said: the id of a script.")] script_id: ID,
        #[graphql(desc = "The lead that it is shown for.")] lead_id: ID,
    ) -> Result<Option<ScriptPreview>> {
        let (script, lead) = (script_id.argument("scriptId")?, lead_id.argument("leadId")?);
        let service::Preview { subject, text, html, webhook, problem, warnings } =
            service::preview(ctx.services(), script, lead).boxed().await?;
        let (url, payload) = webhook.unzip();
        Ok(Some(ScriptPreview { subject, text, html, url, payload: payload.map(Json), problem, warnings }))
    }
}
