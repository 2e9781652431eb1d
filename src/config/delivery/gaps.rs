//! What a `delivery.toml` and the experiments of a night do not have in common.

use super::codes;
use super::valid::{Delivery, Owner, is_meant};
use crate::diag::{Diagnostic, Place};

/// Whether the owner text of an experiment names this owner: as a whole, or as one of several after commas.
pub fn names(text: &str, owner: &Owner) -> bool {
    let wanted = owner.name.to_lowercase();
    let is_it = |part: &str| part.trim().to_lowercase() == wanted;
    is_it(text) || text.split([',', ';']).any(is_it)
}

/// Experiments nobody is written to about, and readers whom no experiment concerns. Each experiment is an id and its owner.
///
/// Only an enabled delivery is judged: nobody misses a mail that is not sent.
pub fn gaps(delivery: &Delivery, experiments: &[(String, Option<String>)]) -> Vec<Diagnostic> {
    if !delivery.enabled || experiments.is_empty() {
        return Vec::new();
    }
    let place = || Place::file(&delivery.path);
    let mut found = Vec::new();
    for (id, owner) in experiments {
        let Some(owner) = owner else { continue };
        if !delivery.owners.is_empty() && !delivery.owners.iter().any(|known| names(owner, known)) {
            let message = format!("the owner of `{id}`, `{owner}`, has no address");
            let problem = Diagnostic::warning(codes::OWNER_WITHOUT_ADDRESS, message);
            found.push(problem.at(place()).hint(format!("add [[owner]] with name = \"{owner}\"")));
        }
    }
    let nothing = |who: &str, hint: &str| {
        let message = format!("no experiment concerns {who}");
        Diagnostic::warning(codes::MATCHES_NOTHING, message).at(place()).hint(hint)
    };
    for manager in &delivery.managers {
        if !experiments.iter().any(|(id, _)| is_meant(&manager.experiments, id)) {
            found.push(nothing(&manager.to.address, "mend `experiments`, or remove the [[manager]]"));
        }
    }
    for owner in &delivery.owners {
        let concerns = |(id, text): &(String, Option<String>)| {
            is_meant(&owner.experiments, id) && text.as_deref().is_some_and(|text| names(text, owner))
        };
        if !experiments.iter().any(concerns) {
            let hint = "write `name` as `owner` under [experiment], or mend `experiments`";
            found.push(nothing(&owner.to.address, hint));
        }
    }
    found
}
