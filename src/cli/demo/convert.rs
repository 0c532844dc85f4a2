//! Leads that convert while the sequence runs: what is left for them is cancelled.

use anyhow::{Result, anyhow};
use rand::seq::SliceRandom;

use super::sequence::Funnel;
use domain::id::LeadId;
use graphql::engine::id::decode;
use service::Services;
use service::retention::endings::{Ending, end_all};

/// Of so many contacts one leads to a conversion.
const CONTACTS: u64 = 16;

/// Lets some leads convert.
pub struct Converter {
    on: Services,
    /// In the order in which they convert.
    leads: Vec<LeadId>,
    converted: u64,
}

impl Converter {
    /// For these leads, by their ids in the API.
    pub fn new(on: &Services, leads: &[String]) -> Self {
        let mut leads: Vec<LeadId> = leads.iter().filter_map(|id| decode(id)).map(|(_, uuid)| LeadId(uuid)).collect();
        leads.shuffle(&mut rand::rng());
        Self { on: on.clone(), leads, converted: 0 }
    }

    /// How many have converted on their way.
    pub const fn converted(&self) -> u64 {
        self.converted
    }

    /// As many as the contacts that were made lead to.
    pub async fn convert_some(&mut self, funnel: &Funnel) -> Result<()> {
        while self.converted < funnel.executions("SENT") / CONTACTS {
            let Some(lead) = self.leads.pop() else { return Ok(()) };
            let on = &self.on;
            let convert = on.system_write(|w| async move { end_all(on, &w, lead, Ending::Converted).await });
            let was_on_its_way = convert.await.map_err(|error| anyhow!("{error}"))?;
            self.converted += u64::from(was_on_its_way);
        }
        Ok(())
    }
}
