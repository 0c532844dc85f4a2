//! Postbacks of Keitaro: conversions.

use super::{Applied, pairs};
use crate::retention::conversion::{self, Report};
use crate::retention::integration;
use crate::{Services, Write};
use domain::error::{Error, Result};
use domain::retention::keitaro::Postback;
use storage::retention::webhook_event::Model;

/// Records the conversion. One whose lead is not known yet is recorded, too, and matched later.
pub(super) async fn apply(on: &Services, w: &Write, row: &Model) -> Result<Applied> {
    let postback = Postback::read(pairs::all(row)).map_err(|why| Error::invalid("sub_id", why))?;
    let set_up = integration::keitaro(on, w).await?;
    let currency = set_up.as_ref().map_or("USD", |keitaro| &keitaro.currency);
    let report = Report {
        source: "keitaro".into(),
        lead: None,
        attempt: None,
        sub_id: postback.sub_id,
        click_id: postback.click_id,
        transaction_id: postback.transaction_id,
        status: postback.status,
        original_status: postback.original_status,
        revenue_micros: postback.revenue_micros,
        currency: postback.currency.unwrap_or_else(|| currency.to_owned()),
        data: Some(postback.data),
        lead_converts: set_up.as_ref().is_none_or(|keitaro| keitaro.lead_converts),
    };
    conversion::record_in(on, w, &report).await?;
    Ok(Applied::Done("a conversion"))
}
