//! Traces, in OpenTelemetry's protocol by HTTP, if there is somebody who collects them.

use std::sync::OnceLock;
use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use secrecy::{ExposeSecret, SecretString};
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use super::log;

/// The collector of the spans of this process; a thread of its own sends them in batches, so nobody waits for it.
static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// How long the last spans may take to be sent.
const LAST: Duration = Duration::from_secs(1);

/// Sends Herald's spans to the collector at `endpoint`. Other standard variables, such as `OTEL_SERVICE_NAME` and
/// `OTEL_EXPORTER_OTLP_HEADERS`, are obeyed too.
pub fn layer<S>(endpoint: &SecretString) -> anyhow::Result<impl Layer<S>>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let url = format!("{}/v1/traces", endpoint.expose_secret().trim_end_matches('/'));
    let exporter = SpanExporter::builder().with_http().with_endpoint(url).build()?;
    let mut resource = Resource::builder();
    if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
        resource = resource.with_service_name("herald");
    }
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource.build()).build();
    let tracer = provider.tracer("herald");
    PROVIDER.get_or_init(|| provider);
    let is_ours = |of: &Metadata<'_>| of.is_span() && log::is_ours(of.target()) && *of.level() <= Level::INFO;
    Ok(tracing_opentelemetry::layer().with_tracer(tracer).with_filter(filter_fn(is_ours)))
}

/// Sends what has not been sent yet.
pub fn end() {
    let Some(provider) = PROVIDER.get() else { return };
    if let Err(error) = provider.shutdown_with_timeout(LAST) {
        tracing::warn!(%error, "the last traces were not sent");
    }
}
