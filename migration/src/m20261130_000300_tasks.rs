//! Tasks: work over more rows than a request can wait for, done in chunks.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let statements = [
            "CREATE TABLE tasks (
                 id {uuid} PRIMARY KEY NOT NULL,
                 kind text NOT NULL,
                 subject_id {uuid} NOT NULL,
                 status text NOT NULL,
                 ends_as text,
                 done bigint NOT NULL,
                 total bigint,
                 input {json} NOT NULL,
                 cursor {json} NOT NULL,
                 asker {json} NOT NULL,
                 error text,
                 created_by_id {uuid},
                 created_at {instant} NOT NULL,
                 started_at {instant},
                 completed_at {instant},
                 version integer NOT NULL
             )",
            // What is to be done is looked for every now and then, and is never twice about the same.
            "CREATE UNIQUE INDEX tasks_unfinished ON tasks (kind, subject_id) WHERE completed_at IS NULL",
            "CREATE INDEX tasks_subject_id ON tasks (subject_id, id)",
            "CREATE INDEX tasks_completed_at ON tasks (completed_at) WHERE completed_at IS NOT NULL",
        ];
        crate::run(manager, &statements).await
    }
}
