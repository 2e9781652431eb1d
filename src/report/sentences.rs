//! Sentences that belong to codes: the narrative over the facts.

use serde_json::Value;

use super::sections;
use crate::config::valid::{Role, Status};
use crate::findings::Findings;
use crate::wording::narrative::{Narrative, NarrativeError};

/// A code and what it says in Russian.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Sentence {
    /// Code of the rule, remark or reason.
    pub code: &'static str,
    /// Its text.
    pub text: String,
}

/// Renders `narrative/<room>/<code>.tera` over the facts into one text a code; codes whose template says nothing here
/// are left out.
pub fn of_codes(
    narrative: &Narrative,
    room: &str,
    codes: &[&'static str],
    facts: &Value,
) -> Result<Vec<Sentence>, NarrativeError> {
    let mut said = Vec::new();
    for code in codes {
        let text = narrative.render(&format!("narrative/{room}/{code}.tera"), facts)?.join(" ");
        if !text.is_empty() {
            said.push(Sentence { code, text });
        }
    }
    Ok(said)
}

/// The texts of a decision: what the first paragraph of a report is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The action in words («Оставить контроль»).
    pub label: String,
    /// The decision as a sentence with a verb.
    pub headline: String,
    /// What was found, one sentence.
    pub lead: String,
    /// Why: the deciding rule's reasons.
    pub reasons: Vec<Sentence>,
    /// What could still go wrong.
    pub risks: Vec<Sentence>,
    /// What to do next.
    pub steps: Vec<Sentence>,
}

/// The step that stands where people have already decided.
pub const DECIDED: &str = "decided";

/// Steps that ask people to decide, or to go on and decide later: a decision that is written down has answered them.
const ANSWERED: [&str; 7] = [
    "stop-in-vain",
    "roll-out",
    "do-not-roll-out",
    "measure-guardrail",
    "collect",
    "wait-for-end",
    "start-as-planned",
];

/// The codes of what to do next, after what people have decided.
fn steps(findings: &Findings) -> Vec<&'static str> {
    let advised = findings.verdict.steps.iter().copied();
    if findings.history.standing().is_none() {
        let mut steps: Vec<&'static str> = advised.collect();
        // Where nobody knows how many users are needed, a finished experiment still has to be run again.
        let over = findings.config.experiment.status == Status::Finished;
        let measured = findings.outcomes.iter().any(|o| o.metric.role == Role::Primary);
        if over && measured && findings.verdict.rule == "not-enough-data" && !steps.contains(&"collect") {
            steps.push("collect");
        }
        return steps;
    }
    std::iter::once(DECIDED).chain(advised.filter(|code| !ANSWERED.contains(code))).collect()
}

/// Renders the decision: the template of the deciding rule writes the headline, the lead and then the reasons, a
/// paragraph each; risks and steps have a template a code.
pub fn decision(
    narrative: &Narrative,
    findings: &Findings,
    facts: &Value,
) -> Result<Decision, NarrativeError> {
    let (verdict, own_steps) = (&findings.verdict, &findings.config.experiment.next_steps);
    let name = format!("narrative/rule/{}.tera", verdict.rule);
    let mut paragraphs = narrative.render(&name, facts)?.into_iter();
    let mut next = |what: &str| {
        paragraphs.next().ok_or_else(|| NarrativeError {
            template: name.clone(),
            line: None,
            message: format!("the template must write a {what} in a paragraph of its own"),
        })
    };
    let headline = next("headline")?;
    let lead = next("lead")?;
    let reasons = paragraphs.map(|text| Sentence { code: verdict.rule, text }).collect();
    let mut steps = of_codes(narrative, "step", &steps(findings), facts)?;
    steps.extend(
        own_steps
            .iter()
            .map(|text| Sentence { code: "owner-step", text: crate::wording::typography::typeset(text) }),
    );
    Ok(Decision {
        label: sections::label(findings, narrative.terms()),
        headline,
        lead,
        reasons,
        risks: of_codes(narrative, "risk", &verdict.risks, facts)?,
        steps,
    })
}
