//! Who may what: each mutation, tried by each role.

use std::collections::BTreeMap;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, InputValueDefinition, Type, TypeDefinition, TypeKind, TypeSystemDefinition,
};
use domain::role::{Permission, Role};
use serde_json::json;

use crate::harness::TestApp;

use Permission::{
    Administer, Anyone, ChangeOwnPassword, CreateChannels, EraseLeads, ManageIntegrations, OwnApiTokens, SignedIn,
    StopEverything, TelegramAccounts, WriteCampaigns, WriteChannels, WriteJobs, WriteRetention, WriteUsers,
};

/// The table of the contract, a line for each mutation.
const TABLE: &[(&str, Permission)] = &[
    ("stopAll", StopEverything),
    ("resumeAll", StopEverything),
    ("endUserSession", Administer),
    ("drainWorker", Administer),
    ("login", Anyone),
    ("refreshSession", Anyone),
    ("logout", SignedIn),
    ("renewSocket", SignedIn),
    ("changePassword", ChangeOwnPassword),
    ("createUser", WriteUsers),
    ("updateUser", WriteUsers),
    ("deleteUser", WriteUsers),
    ("createApiToken", OwnApiTokens),
    ("revokeApiToken", OwnApiTokens),
    ("importChannels", CreateChannels),
    ("cancelImport", CreateChannels),
    ("cancelTask", WriteCampaigns),
    ("createChannel", CreateChannels),
    ("updateChannel", WriteChannels),
    ("refreshChannels", WriteChannels),
    ("deleteChannel", WriteChannels),
    ("createBatch", WriteCampaigns),
    ("updateBatch", WriteCampaigns),
    ("deleteBatch", WriteCampaigns),
    ("addBatchChannels", WriteCampaigns),
    ("removeBatchChannels", WriteCampaigns),
    ("createTemplate", WriteCampaigns),
    ("updateTemplate", WriteCampaigns),
    ("deleteTemplate", WriteCampaigns),
    ("createBroadcastCampaign", WriteCampaigns),
    ("updateBroadcastCampaign", WriteCampaigns),
    ("deleteBroadcastCampaign", WriteCampaigns),
    ("startBroadcastCampaign", WriteCampaigns),
    ("pauseBroadcastCampaign", WriteCampaigns),
    ("resumeBroadcastCampaign", WriteCampaigns),
    ("cancelBroadcastCampaign", WriteCampaigns),
    ("retryFailedJobs", WriteCampaigns),
    ("editSentMessages", WriteCampaigns),
    ("deleteSentMessages", WriteCampaigns),
    ("retryJob", WriteJobs),
    ("cancelJob", WriteJobs),
    ("resolveUnknownJobs", WriteJobs),
    ("saveIntegrationConfig", ManageIntegrations),
    ("deleteIntegrationConfig", ManageIntegrations),
    ("testIntegration", ManageIntegrations),
    ("switchIntegration", ManageIntegrations),
    ("importLeads", WriteRetention),
    ("createAbTest", WriteRetention),
    ("startAbTest", WriteRetention),
    ("stopAbTest", WriteRetention),
    ("updateAbTest", WriteRetention),
    ("deleteAbTest", WriteRetention),
    ("declareAbTestWinner", WriteRetention),
    ("mergeLeads", WriteRetention),
    ("eraseLead", EraseLeads),
    ("addTelegramAccount", TelegramAccounts),
    ("rotateTelegramSession", TelegramAccounts),
    ("updateTelegramAccount", TelegramAccounts),
    ("removeTelegramAccount", TelegramAccounts),
    ("recordConversion", WriteRetention),
    ("correctConversion", WriteRetention),
    ("deleteConversion", WriteRetention),
    ("recomputeAttribution", WriteRetention),
    ("syncRetentionCampaign", WriteRetention),
    ("createLead", WriteRetention),
    ("updateLead", WriteRetention),
    ("deleteLead", WriteRetention),
    ("setDoNotContact", WriteRetention),
    ("liftRefusal", WriteRetention),
    ("createRetentionCampaign", WriteRetention),
    ("updateRetentionCampaign", WriteRetention),
    ("deleteRetentionCampaign", WriteRetention),
    ("assignLeads", WriteRetention),
    ("removeLeads", WriteRetention),
    ("createScript", WriteRetention),
    ("updateScript", WriteRetention),
    ("deleteScript", WriteRetention),
    ("recordContactAttempt", WriteRetention),
    ("correctContactAttempt", WriteRetention),
    ("markReplied", WriteRetention),
    ("retryWebhookEvent", WriteRetention),
    ("createConversionRule", WriteRetention),
    ("updateConversionRule", WriteRetention),
    ("deleteConversionRule", WriteRetention),
    ("createRetentionSequence", WriteRetention),
    ("updateRetentionSequence", WriteRetention),
    ("deleteRetentionSequence", WriteRetention),
    ("replaceSequenceSteps", WriteRetention),
    ("activateRetentionSequence", WriteRetention),
    ("pauseRetentionSequence", WriteRetention),
    ("archiveRetentionSequence", WriteRetention),
    ("enrollLead", WriteRetention),
    ("pauseEnrollment", WriteRetention),
    ("resumeEnrollment", WriteRetention),
    ("cancelEnrollment", WriteRetention),
];

/// The published schema, with what is needed to write an operation for any field.
struct Sdl(BTreeMap<String, TypeDefinition>);

struct Field {
    name: String,
    permission: String,
    /// Whether an API token may not do it.
    needs_login: bool,
    /// With nonsense in all that must be given.
    call: String,
}

impl Sdl {
    fn read() -> Self {
        let document = parse_schema(graphql::sdl()).unwrap();
        let types = document.definitions.into_iter().filter_map(|definition| match definition {
            TypeSystemDefinition::Type(definition) => Some((definition.node.name.node.to_string(), definition.node)),
            _ => None,
        });
        Self(types.collect())
    }

    fn fields(&self, root: &str) -> Vec<Field> {
        let TypeKind::Object(object) = &self.0[root].kind else { panic!("{root} is an object") };
        let field = |field: &async_graphql::parser::types::FieldDefinition| {
            let requires = field.directives.iter().find(|directive| directive.node.name.node == "requires");
            let permission = requires.expect("each root field names its permission").node.get_argument("permission");
            let arguments = self.given(field.arguments.iter().map(|argument| &argument.node));
            let arguments = if arguments.is_empty() { String::new() } else { format!("({arguments})") };
            let is_leaf = !matches!(self.kind(&field.ty.node), Some(TypeKind::Object(_) | TypeKind::Interface(_)));
            let selection = if is_leaf { "" } else { "{ __typename }" };
            Field {
                name: field.name.node.to_string(),
                permission: permission.unwrap().node.to_string(),
                needs_login: field.directives.iter().any(|directive| directive.node.name.node == "needsLogin"),
                call: format!("{}{arguments} {selection}", field.name.node),
            }
        };
        object.fields.iter().map(|definition| field(&definition.node)).collect()
    }

    fn kind(&self, ty: &Type) -> Option<&TypeKind> {
        match &ty.base {
            BaseType::Named(name) => self.0.get(name.as_str()).map(|definition| &definition.kind),
            BaseType::List(inner) => self.kind(inner),
        }
    }

    /// What must be given, with nonsense in it.
    fn given<'a>(&self, values: impl Iterator<Item = &'a InputValueDefinition>) -> String {
        let values = values.filter(|value| !value.ty.node.nullable && value.default_value.is_none());
        values
            .map(|value| format!("{}: {}", value.name.node, self.nonsense(&value.ty.node)))
            .collect::<Vec<_>>()
            .join(", ")
    }

    fn nonsense(&self, ty: &Type) -> String {
        let BaseType::Named(name) = &ty.base else {
            let BaseType::List(inner) = &ty.base else { unreachable!("a type is named or a list") };
            return format!("[{}]", self.nonsense(inner));
        };
        match self.0.get(name.as_str()).map(|definition| &definition.kind) {
            Some(TypeKind::Enum(values)) => values.values[0].node.value.node.to_string(),
            Some(TypeKind::InputObject(object)) => {
                format!("{{ {} }}", self.given(object.fields.iter().map(|field| &field.node)))
            }
            _ => match name.as_str() {
                "Int" | "Float" => "1".into(),
                "Boolean" => "true".into(),
                _ => r#""nonsense""#.into(),
            },
        }
    }
}

#[test]
fn each_mutation_has_a_line_in_the_table() {
    let table: BTreeMap<_, _> = TABLE.iter().map(|(field, permission)| (*field, constant(*permission))).collect();
    for field in Sdl::read().fields("Mutation") {
        let expected = table.get(field.name.as_str()).unwrap_or_else(|| panic!("{} has no line", field.name));
        assert_eq!(field.permission, *expected, "{}", field.name);
    }
}

#[tokio::test]
async fn each_role_may_what_the_table_says_and_nothing_else() {
    let herald = TestApp::api_only().await;
    let roles = [
        (Some(Role::Admin), herald.user("another", "ADMIN").await),
        (Some(Role::Operator), herald.operator().await),
        (Some(Role::Auditor), herald.auditor().await),
        (None, herald.nobody()),
    ];
    let mut fields = Sdl::read().fields("Mutation");
    // The last one that each role tries, because it ends the session.
    fields.sort_by_key(|field| field.name == "logout");
    for (role, client) in &roles {
        for field in &fields {
            let (_, permission) = TABLE.iter().find(|(name, _)| *name == field.name).unwrap();
            let reply = client.query(&format!("mutation {{ {} }}", field.call), json!({})).await;
            let expected = match role {
                _ if *permission == Anyone => None,
                None => Some("UNAUTHENTICATED"),
                Some(role) if role.may(*permission) => None,
                Some(_) => Some("FORBIDDEN"),
            };
            if let Some(code) = expected {
                assert_eq!(reply.code(), code, "{role:?} {}: {reply:?}", field.call);
            } else {
                let refusals = ["FORBIDDEN", "INTERNAL_SERVER_ERROR", "GRAPHQL_VALIDATION_FAILED"];
                assert!(!refusals.contains(&reply.code()), "{role:?} {}: {reply:?}", field.call);
            }
        }
    }
}

/// What somebody signs in with, and the secrets that Herald keeps.
const CREDENTIALS: [Permission; 5] =
    [WriteUsers, OwnApiTokens, ChangeOwnPassword, ManageIntegrations, TelegramAccounts];

#[test]
fn what_makes_or_changes_credentials_needs_a_login() {
    let credentials = CREDENTIALS.map(constant);
    for field in Sdl::read().fields("Mutation") {
        // A token may end itself: that its use case decides.
        let expected = credentials.contains(&field.permission) && field.name != "revokeApiToken";
        assert_eq!(field.needs_login, expected, "{}", field.name);
    }
}

#[tokio::test]
async fn an_api_token_does_nothing_that_needs_a_login() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let make = "mutation { createApiToken(input: { name: \"x\", role: ADMIN }) { token apiToken { id } } }";
    let token = admin.data(make, json!({})).await["createApiToken"]["token"].as_str().unwrap().to_owned();
    let other = admin.data(make, json!({})).await["createApiToken"].clone();
    let script = herald.nobody().with_token(&token);
    for field in Sdl::read().fields("Mutation").iter().filter(|field| field.needs_login) {
        let reply = script.query(&format!("mutation {{ {} }}", field.call), json!({})).await;
        assert_eq!(reply.code(), "PRECONDITION_FAILED", "{}: {reply:?}", field.call);
        assert!(reply.message().contains("sign in"), "{reply:?}");
    }
    let user = "mutation { createUser(input: { username: \"backdoor\", password: \"a password of some length\", role: ADMIN }) {
        user { id } } }";
    assert_eq!(script.query(user, json!({})).await.code(), "PRECONDITION_FAILED");
    assert_eq!(admin.data("{ users { totalCount } }", json!({})).await["users"]["totalCount"], 1);
    // It ends itself and no other.
    let revoke = "mutation($id: ID!) { revokeApiToken(input: { id: $id }) { apiToken { id } } }";
    let revoke = async |id: &serde_json::Value| script.query(revoke, json!({ "id": id })).await;
    assert_eq!(revoke(&other["apiToken"]["id"]).await.code(), "PRECONDITION_FAILED");
    herald.nobody().with_token(other["token"].as_str().unwrap()).data("{ viewer { id } }", json!({})).await;
    // What it is made for it does.
    script.data("{ telegramAccounts { totalCount } integrationConfigs { totalCount } }", json!({})).await;
}

#[tokio::test]
async fn nobody_reads_anything() {
    let herald = TestApp::api_only().await;
    let nobody = herald.nobody();
    for field in Sdl::read().fields("Query") {
        let reply = nobody.query(&format!("{{ {} }}", field.call), json!({})).await;
        assert_eq!(reply.code(), "UNAUTHENTICATED", "{}: {reply:?}", field.call);
    }
    for field in Sdl::read().fields("Subscription") {
        let mut subscription = nobody.subscribe(&format!("subscription {{ {} }}", field.call), json!({})).await;
        assert_eq!(subscription.next().await.unwrap().code(), "UNAUTHENTICATED", "{}", field.call);
    }
}

fn constant(permission: Permission) -> String {
    async_graphql::resolver_utils::enum_value(permission).to_string()
}
