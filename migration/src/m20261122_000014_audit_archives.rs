//! The audit log is append-only, and the database itself sees to it: lines come unsealed, get their seal once, and go when
//! the archive has recorded that it has them.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = "CREATE TABLE audit_archives (
    first_seq bigint PRIMARY KEY,
    last_seq bigint NOT NULL,
    lines bigint NOT NULL,
    name text NOT NULL,
    sha256 text NOT NULL,
    last_hash text NOT NULL,
    archived_at {instant} NOT NULL,
    CHECK (lines > 0 AND last_seq = first_seq + lines - 1)
)";
        crate::run(manager, &[table]).await?;
        crate::run(manager, if crate::is_postgres(manager) { POSTGRES } else { SQLITE }).await
    }
}

const POSTGRES: &[&str] = &[
    r#"CREATE FUNCTION audit_logs_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' AND NEW.seq IS NULL THEN
        RETURN NEW;
    ELSIF TG_OP = 'UPDATE' AND OLD.seq IS NULL
        AND (NEW.id, NEW.user_id, NEW.action, NEW.resource_type, NEW.resource_id, NEW.metadata, NEW.severity,
            NEW."timestamp", NEW.ip_address)
        IS NOT DISTINCT FROM (OLD.id, OLD.user_id, OLD.action, OLD.resource_type, OLD.resource_id, OLD.metadata,
            OLD.severity, OLD."timestamp", OLD.ip_address) THEN
        RETURN NEW;
    ELSIF TG_OP = 'DELETE'
        AND EXISTS (SELECT 1 FROM audit_archives WHERE first_seq <= OLD.seq AND last_seq >= OLD.seq) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the audit log is append-only';
END $$"#,
    "CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only';
END $$",
    "CREATE TRIGGER audit_logs_append_only BEFORE INSERT OR UPDATE OR DELETE ON audit_logs
    FOR EACH ROW EXECUTE FUNCTION audit_logs_append_only()",
    "CREATE TRIGGER audit_logs_kept BEFORE TRUNCATE ON audit_logs EXECUTE FUNCTION audit_refuse()",
    "CREATE TRIGGER audit_archives_kept BEFORE UPDATE OR DELETE ON audit_archives
    FOR EACH ROW EXECUTE FUNCTION audit_refuse()",
    "CREATE TRIGGER audit_archives_kept_whole BEFORE TRUNCATE ON audit_archives EXECUTE FUNCTION audit_refuse()",
];

const SQLITE: &[&str] = &[
    // An id that is there already: INSERT OR REPLACE would delete the line, and no trigger would see it.
    "CREATE TRIGGER audit_logs_new BEFORE INSERT ON audit_logs
    WHEN NEW.seq IS NOT NULL OR EXISTS (SELECT 1 FROM audit_logs WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
    r#"CREATE TRIGGER audit_logs_sealed BEFORE UPDATE ON audit_logs
    WHEN OLD.seq IS NOT NULL OR NEW.id IS NOT OLD.id OR NEW.user_id IS NOT OLD.user_id OR NEW.action IS NOT OLD.action
        OR NEW.resource_type IS NOT OLD.resource_type OR NEW.resource_id IS NOT OLD.resource_id
        OR NEW.metadata IS NOT OLD.metadata OR NEW.severity IS NOT OLD.severity
        OR NEW."timestamp" IS NOT OLD."timestamp" OR NEW.ip_address IS NOT OLD.ip_address
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"#,
    "CREATE TRIGGER audit_logs_kept BEFORE DELETE ON audit_logs
    WHEN OLD.seq IS NULL
        OR NOT EXISTS (SELECT 1 FROM audit_archives WHERE first_seq <= OLD.seq AND last_seq >= OLD.seq)
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
    "CREATE TRIGGER audit_archives_new BEFORE INSERT ON audit_archives
    WHEN EXISTS (SELECT 1 FROM audit_archives WHERE first_seq = NEW.first_seq)
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
    "CREATE TRIGGER audit_archives_same BEFORE UPDATE ON audit_archives
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
    "CREATE TRIGGER audit_archives_kept BEFORE DELETE ON audit_archives
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
];
