//! Postbacks of Keitaro: conversions.

use super::{Applied, pairs};
use crate::retention::conversion::{self, Change, Report};
use crate::retention::integration;
use crate::{Services, Write};
use domain::error::{Error, Result};
use domain::retention::keitaro::{self, Postback};
use storage::retention::webhook_event::Model;

/// Records the conversion. One whose lead is not known yet is recorded, too, and matched later.
pub(super) async fn apply(on: &Services, w: &Write, row: &Model) -> Result<Applied> {
    let postback = Postback::read(pairs::all(row)).map_err(|why| Error::invalid("sub_id", why))?;
    let set_up = integration::keitaro(on, w).await?;
    let postback = match &set_up {
        Some(set_up) => postback.mapped(&set_up.postback_mapping),
        None => postback,
    };
    let currency = set_up.as_ref().map_or("USD", |set_up| &set_up.currency);
    let is_amount_unread = postback.is_amount_unread;
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
        lead_converts: set_up.as_ref().is_none_or(|set_up| set_up.lead_converts),
    };
    let is_understood = report.original_status.as_deref().is_none_or(keitaro::is_known);
    let change = conversion::record_in(on, w, &report).await?;
    if is_amount_unread || !is_understood || change == Change::Several {
        tracing::warn!(callback = %row.id, ?change, is_amount_unread, is_understood, "a postback is not wholly understood");
    }
    Ok(Applied::Done(outcome(change, is_amount_unread, is_understood)))
}

/// What was made of a postback, for operators.
fn outcome(change: Change, is_amount_unread: bool, is_understood: bool) -> &'static str {
    match (change, is_amount_unread, is_understood) {
        (Change::Several, ..) => {
            "nothing: several conversions may be meant; the postback should name the transaction (tid), or the click"
        }
        (_, true, true) => {
            "a conversion, without its amount: that, or its currency, can't be read, as in 1,000 or 10zzz"
        }
        (_, true, false) => "a conversion, without its amount, which can't be read, and its status is not understood",
        (Change::Nothing, false, false) => "nothing: its status is not understood, and the conversion stays as it is",
        (Change::Nothing, ..) => "nothing that is new of a conversion",
        (_, false, false) => "a conversion from which nothing follows: its status is not understood",
        (Change::New | Change::Moved, false, true) => "a conversion",
    }
}
