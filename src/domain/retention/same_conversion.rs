//! Which conversion a report is about, if it does not name it as it is known: reports of one conversion know more or less of it. What
//! is not named may be any; of several that it may be nobody can tell which, and none is guessed.

use super::keitaro::same;
use super::states::State;
use super::words::ConversionStatus;

/// What is known of a conversion, or told of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The id of the click.
    pub click: Option<String>,
    /// The sub id.
    pub sub: Option<String>,
    /// What it is known by where it has neither: a contact or a lead.
    pub subject: String,
    /// Empty where there is none.
    pub transaction: String,
    /// What it stands for.
    pub status: ConversionStatus,
    /// In millionths; None where none was told.
    pub amount: Option<i64>,
    /// Of which currency.
    pub currency: String,
    /// Whether its word stands for one more conversion of the same click.
    pub is_additional: bool,
    /// Whether nobody understands its word.
    pub is_unclear: bool,
    /// Whether its lead is the one that the report is about.
    pub is_same_lead: bool,
}

/// Which one it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pick {
    /// This one of those that are known.
    Known(usize),
    /// One that is not known yet.
    New,
    /// Several may be meant.
    Several,
}

/// How the transactions of a report and of a row compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transactions {
    Same,
    ReportHasNone,
    RowHasNone,
    Other,
}

/// Picks the conversion that `report` is about.
pub fn pick(rows: &[Facts], report: &Facts) -> Pick {
    let exact = rows.iter().position(|row| is_exact(row, report));
    if let Some(exact) = exact {
        // One more payment must not take the place of the first.
        let row = &rows[exact];
        let is_another = report.is_additional && !row.is_additional && row.status == report.status;
        let is_lost = is_another && amounts(row, report) == Some(false);
        return if is_lost { Pick::Several } else { Pick::Known(exact) };
    }
    let fitting: Vec<usize> = (0..rows.len()).filter(|index| fits(&rows[*index], report)).collect();
    let narrower: [&dyn Fn(&Facts) -> bool; 3] = [
        &|row| row.transaction == report.transaction,
        &|row| is_equal(row.click.as_ref(), report.click.as_ref()) == Some(true),
        &|row| row.status == report.status && amounts(row, report) == Some(true),
    ];
    match fitting.as_slice() {
        [] => return Pick::New,
        [one] => return Pick::Known(*one),
        _ => {}
    }
    for holds in narrower {
        let close: Vec<usize> = fitting.iter().copied().filter(|index| holds(&rows[*index])).collect();
        if let [one] = close.as_slice() {
            return Pick::Known(*one);
        }
    }
    // Money that was not told before is not lost: a sale beside what was never sold.
    let is_sold = |index: &usize| rows[*index].status == ConversionStatus::Sale;
    let is_first_sale = report.status == ConversionStatus::Sale && !fitting.iter().any(is_sold);
    if is_first_sale { Pick::New } else { Pick::Several }
}

/// Whether both are known by the same, with the same transaction.
fn is_exact(row: &Facts, report: &Facts) -> bool {
    same(&row.subject) == same(&report.subject) && row.transaction == report.transaction
}

/// Whether two ids are the same; None where one is not known.
fn is_equal(one: Option<&String>, other: Option<&String>) -> Option<bool> {
    Some(same(one?) == same(other?))
}

/// Whether two amounts are the same; None where one is not known, and zero is no amount.
fn amounts(row: &Facts, report: &Facts) -> Option<bool> {
    let (row_amount, report_amount) =
        (row.amount.filter(|amount| *amount != 0)?, report.amount.filter(|amount| *amount != 0)?);
    Some((row_amount, &row.currency) == (report_amount, &report.currency))
}

/// Whether `row` may be what `report` is about.
fn fits(row: &Facts, report: &Facts) -> bool {
    let transactions = match (row.transaction.as_str(), report.transaction.as_str()) {
        (row, report) if row == report => Transactions::Same,
        (_, "") => Transactions::ReportHasNone,
        ("", _) => Transactions::RowHasNone,
        _ => Transactions::Other,
    };
    let (click, sub) =
        (is_equal(row.click.as_ref(), report.click.as_ref()), is_equal(row.sub.as_ref(), report.sub.as_ref()));
    let is_named_otherwise = click == Some(false) || (sub == Some(false) && click != Some(true));
    if transactions == Transactions::Other || is_named_otherwise {
        return false;
    }
    let is_linked = click == Some(true) || sub == Some(true) || same(&row.subject) == same(&report.subject);
    // Only the lead is the same: what is told there may be another purchase, unless it is the same amount or the next state.
    let has_name = |facts: &Facts| facts.click.is_some() || facts.sub.is_some();
    let is_near = row.is_same_lead && has_name(row) && has_name(report);
    if !is_linked && !is_near {
        return false;
    }
    // Of a lead alone there may be many: to name a transaction makes it another one than what was sold without.
    let is_another =
        !has_name(report) && transactions == Transactions::RowHasNone && row.status == ConversionStatus::Sale;
    !is_another && is_in_order(row, report, transactions, is_linked && has_name(report))
}

/// Whether what `report` tells can be told of `row`: the next state, the same, or one that is behind it.
fn is_in_order(row: &Facts, report: &Facts, transactions: Transactions, is_named: bool) -> bool {
    // Whoever pays once more has another transaction.
    if report.is_additional && (transactions == Transactions::RowHasNone || row.is_additional != report.is_additional) {
        return false;
    }
    let has_no_less = transactions == Transactions::RowHasNone;
    if row.status == report.status {
        return match amounts(row, report) {
            Some(is_same) => is_same || (is_named && !has_no_less),
            None => true,
        };
    }
    if row.status.may_become(report.status) {
        return true;
    }
    // Late, and nothing new: unless it names a transaction that is not known.
    report.status.may_become(row.status) && !has_no_less && (is_named || row.status != ConversionStatus::Rejected)
}

/// Whether a report says more than is known of its conversion: a status that may follow, another amount of the same one, an id that it
/// was not known by, or a word that is understood where that was not so. What is told once more says nothing new, nor does what comes late; of a word that nobody
/// understands nothing follows.
pub fn says_more(row: &Facts, report: &Facts) -> bool {
    if report.is_unclear && !row.is_unclear {
        return false;
    }
    let is_other = report.amount.is_some_and(|amount| (Some(amount), &report.currency) != (row.amount, &row.currency));
    let is_corrected = row.status == report.status && report.status != ConversionStatus::Rejected && is_other;
    let is_understood = row.status == report.status && row.is_unclear && !report.is_unclear;
    let is_new = |known: &Option<String>, told: &Option<String>| known.is_none() && told.is_some();
    let has_new_id = is_new(&row.click, &report.click)
        || is_new(&row.sub, &report.sub)
        || (row.transaction.is_empty() && !report.transaction.is_empty());
    let is_learnt = row.status == report.status && has_new_id;
    row.status.may_become(report.status) || is_corrected || is_understood || is_learnt
}

#[cfg(test)]
mod tests {
    use ConversionStatus::{Lead, Rejected, Sale};

    use super::*;

    /// `click/sub/transaction`, each of which may be empty.
    fn facts(ids: &str, status: ConversionStatus, amount: Option<i64>) -> Facts {
        let ids: Vec<&str> = ids.split('/').collect();
        let given = |index: usize| Some(ids[index].to_owned()).filter(|id| !id.is_empty());
        Facts {
            click: given(0),
            sub: given(1),
            subject: given(0).or_else(|| given(1)).unwrap_or_default(),
            transaction: ids[2].to_owned(),
            status,
            amount,
            currency: "USD".into(),
            is_additional: false,
            is_unclear: false,
            is_same_lead: false,
        }
    }

    #[test]
    fn what_is_not_named_is_the_only_one_that_it_may_be() {
        use Pick::{Known, New, Several};
        let sale = |ids: &str, amount: i64| facts(ids, Sale, Some(amount));
        let lead = |ids: &str| facts(ids, Lead, None);
        let rejected = |ids: &str| facts(ids, Rejected, None);
        for (line, rows, report, expected) in [
            (line!(), vec![sale("/x/7", 20)], rejected("/x/"), Known(0)),
            (line!(), vec![sale("/x/7", 20)], sale("/x/", 20), Known(0)),
            (line!(), vec![sale("/x/7", 20)], facts("/x/", Sale, None), Known(0)),
            (line!(), vec![sale("/x/7", 20)], lead("/x/"), Known(0)),
            (line!(), vec![sale("/x/", 20)], sale("/x/7", 20), Known(0)),
            (line!(), vec![sale("/x/", 20)], rejected("/x/7"), Known(0)),
            (line!(), vec![sale("/x/", 20)], sale("/x/7", 30), New),
            (line!(), vec![sale("/x/7", 20)], sale("/x/8", 20), New),
            (line!(), vec![lead("/x/")], sale("/x/7", 20), Known(0)),
            (line!(), vec![rejected("/x/")], sale("/x/2", 5), New),
            (line!(), vec![sale("/x/7", 20), sale("/x/8", 30)], rejected("/x/"), Several),
            (line!(), vec![sale("/x/7", 20), sale("/x/8", 30)], sale("/x/", 30), Known(1)),
            (line!(), vec![sale("/x/7", 20), sale("/x/8", 30)], sale("/x/", 40), Several),
            (line!(), vec![sale("/x/7", 20), rejected("/x/8")], rejected("/x/"), Several),
            (line!(), vec![lead("/x/7"), lead("/x/8")], sale("/x/", 40), New),
            // The click is known to one side only.
            (line!(), vec![sale("/x/", 20)], facts("c/x/", Sale, Some(20)), Known(0)),
            (line!(), vec![sale("c/x/7", 20)], rejected("/x/"), Known(0)),
            (line!(), vec![sale("c/x/7", 20)], rejected("c//"), Known(0)),
            (line!(), vec![sale("c/x/", 20)], sale("d/x/", 20), New),
            (line!(), vec![sale("/x/", 20)], sale("/y/", 20), New),
            (line!(), vec![sale("/x/", 20), lead("/x/7")], sale("/x/7", 20), Known(1)),
        ] {
            assert_eq!(pick(&rows, &report), expected, "line {line}");
        }
    }

    #[test]
    fn one_more_payment_is_no_repetition_and_capitals_make_no_other_id() {
        let sale = facts("/x/", Sale, Some(20));
        let rebill = Facts { is_additional: true, ..facts("/x/2", Sale, Some(20)) };
        assert_eq!(pick(std::slice::from_ref(&sale), &rebill), Pick::New);
        let nameless = Facts { is_additional: true, ..facts("/x/", Sale, Some(5)) };
        assert_eq!(pick(std::slice::from_ref(&sale), &nameless), Pick::Several, "the first payment stays what it is");
        let id = "019c0000-0000-7000-8000-00000000000a";
        let known = facts(&format!("/{id}/"), Sale, Some(20));
        assert_eq!(pick(&[known], &facts(&format!("/{}/", id.to_uppercase()), Rejected, None)), Pick::Known(0));
        // The same lead by another name: the same amount, or what follows.
        let by_click = Facts { is_same_lead: true, ..facts("c//", Lead, None) };
        assert_eq!(pick(std::slice::from_ref(&by_click), &facts("/x/", Sale, Some(20))), Pick::Known(0));
        let sold = Facts { status: Sale, amount: Some(20), ..by_click };
        assert_eq!(pick(std::slice::from_ref(&sold), &facts("/x/", Sale, Some(20))), Pick::Known(0));
        assert_eq!(pick(std::slice::from_ref(&sold), &facts("/x/", Sale, Some(30))), Pick::New);
    }

    #[test]
    fn of_a_lead_alone_there_may_be_many() {
        let by_lead = |transaction: &str, status, amount| Facts {
            subject: "the lead".into(),
            ..facts(&format!("//{transaction}"), status, amount)
        };
        let known = |transaction: &str| vec![by_lead(transaction, Sale, Some(20))];
        assert_eq!(pick(&known(""), &by_lead("2", Sale, Some(20))), Pick::New);
        assert_eq!(pick(&known("1"), &by_lead("", Sale, Some(30))), Pick::New);
        assert_eq!(pick(&known("1"), &by_lead("", Rejected, None)), Pick::Known(0), "the only one");
        assert_eq!(pick(&[by_lead("", Lead, None)], &by_lead("2", Sale, Some(20))), Pick::Known(0));
    }

    #[test]
    fn a_word_that_nobody_understands_changes_nothing_that_is_known() {
        let unclear = |amount| Facts { is_unclear: true, ..facts("/x/", Lead, amount) };
        for known in [facts("/x/", Sale, Some(20)), facts("/x/", Lead, Some(10))] {
            assert!(!says_more(&known, &unclear(Some(0))), "{known:?}");
        }
        assert!(says_more(&unclear(None), &facts("/x/", Lead, None)), "now it is understood");
        assert!(says_more(&unclear(Some(1)), &unclear(Some(2))) && !says_more(&unclear(Some(1)), &unclear(None)));
        let sale = facts("/x/", Sale, Some(20));
        assert!(says_more(&sale, &facts("/x/", Sale, Some(25))) && says_more(&sale, &facts("/x/", Rejected, None)));
        assert!(!says_more(&sale, &facts("/x/", Lead, Some(1))) && !says_more(&sale, &sale.clone()));
        assert!(!says_more(&facts("/x/", Rejected, Some(0)), &sale));
        assert!(says_more(&sale, &facts("c/x/", Sale, None)) && says_more(&sale, &facts("/x/7", Sale, None)));
        assert!(!says_more(&sale, &facts("c/x/7", Lead, None)), "late");
    }
}
