//! What a night appends: one transaction, so that after a crash the archive holds the whole night or nothing of it.

use rusqlite::TransactionBehavior;

use super::{Archive, KeptNight, Recommendation, Result, Run, nights, recommendations, runs, seals};

/// All that one experiment of a night leaves in the archive.
#[derive(Clone, Debug)]
pub struct Record {
    /// What the run advised.
    pub recommendation: Recommendation,
    /// What the night keeps for those to come, if anything.
    pub night: Option<KeptNight>,
    /// What the report was made from; none when an earlier run made it and archived that.
    pub run: Option<Run>,
}

impl Archive {
    /// Appends a night; what is archived already under its run key is passed over. Returns how many recommendations were
    /// new. When nothing was new the archive stays as it was, byte for byte.
    ///
    /// Files that a run names as kept must be in the store before.
    pub fn record(&mut self, records: &[Record]) -> Result<usize> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let (mut new, mut changed) = (0, false);
        for record in records {
            let fresh = recommendations::append(&transaction, &record.recommendation)?;
            new += usize::from(fresh);
            changed |= fresh;
            if let Some(night) = &record.night {
                changed |= nights::append(&transaction, night)?;
            }
            if let Some(run) = &record.run {
                changed |= runs::append(&transaction, run)?;
            }
        }
        if changed {
            seals::seal(&transaction)?;
            transaction.commit()?;
        }
        Ok(new)
    }
}
