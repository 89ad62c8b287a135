//! What a use costs: taken from what was paid before it begins, and never more than that.

use super::*;
use crate::control::progress::Progress;
use crate::control::protocol::{Payment, PaymentAccount, PaymentKind, PaymentRecorded, Payments};
use crate::payments::{list, payment};
use herleid_policies::Amount;

const LENGTH: usize = DATA.len();

mod more;

/// The duty to pay so much.
fn priced(price: &str) -> Value {
    json!({"action": "odrl:compensate", "constraint": [{
        "leftOperand": "odrl:payAmount", "operator": "eq", "rightOperand": price,
        "odrl:unit": {"@id": herleid_policies::EURO},
    }]})
}

fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

impl Scene {
    /// Under the agreement each use costs so much.
    async fn costs(price: &str) -> Self {
        let mut scene = Self::set(9).await;
        // It is the price that ends it.
        let node = Arc::get_mut(&mut scene.node).unwrap();
        node.config.limits.outstanding_per_agreement = 5_000;
        scene.policy["permission"] = json!([{"action": "use", "duty": [priced(price)]}]);
        scene.give_access().await;
        scene
    }

    async fn money(&self, kind: PaymentKind, amount: &str, reference: &str) -> Result<PaymentRecorded, String> {
        self.money_under(AGREED, kind, amount, reference).await
    }

    async fn money_under(
        &self,
        agreement: &str,
        kind: PaymentKind,
        amount: &str,
        reference: &str,
    ) -> Result<PaymentRecorded, String> {
        let request = Payment {
            kind,
            agreement: agreement.to_owned(),
            amount: amount.to_owned(),
            currency: "EUR".to_owned(),
            reference: reference.to_owned(),
        };
        let (progress, _lines) = Progress::channel();
        let done = payment(self.node.clone(), request, progress).await;
        done.map_err(|failure| failure.to_string())
    }

    async fn paid(&self, amount: &str, reference: &str) -> PaymentRecorded {
        self.money(PaymentKind::Received, amount, reference).await.unwrap()
    }

    async fn account(&self) -> PaymentAccount {
        self.account_under(AGREED).await
    }

    async fn account_under(&self, agreement: &str) -> PaymentAccount {
        let request = Payments {
            agreement: agreement.to_owned(),
        };
        let (progress, _lines) = Progress::channel();
        list(self.node.clone(), request, progress).await.unwrap()
    }

    /// What uses have taken, and what is left.
    async fn stands(&self) -> (String, String) {
        let account = self.account().await;
        assert_eq!(
            amount(&account.paid).less(amount(&account.taken)).to_string(),
            account.left
        );
        (account.taken, account.left)
    }
}

fn stands(taken: &str, left: &str) -> (String, String) {
    (taken.to_owned(), left.to_owned())
}

#[tokio::test]
async fn a_use_takes_its_price_and_the_same_again_is_free() {
    let scene = Scene::costs("0.25").await;
    scene
        .refused(
            &transaction(1),
            StatusCode::FORBIDDEN,
            "Left of what was paid: `0.00` euros",
        )
        .await;
    scene.paid("0.60", "invoice 1").await;
    scene.given(&transaction(2)).await;
    scene.given(&transaction(2)).await;
    assert_eq!(scene.stands().await, stands("0.25", "0.35"));
    scene.given(&transaction(3)).await;
    scene
        .refused(&transaction(4), StatusCode::FORBIDDEN, "costs `0.25` euros")
        .await;
    scene.given(&transaction(3)).await;
    assert_eq!(scene.stands().await, stands("0.50", "0.10"));
    // The record says what was taken of what, and comes out the same when it is decided again; so does the refusal.
    let (_, opened) = &scene.records(Term::Transaction(transaction(3)))[0];
    let decision = opened.value(SectionName::Facts).unwrap()["decision"].clone();
    assert_eq!(
        (
            &decision["reservations"][0]["amount"],
            &decision["reservations"][0]["atMost"]
        ),
        (&json!(250_000), &json!(600_000))
    );
    herleid_policies::reevaluate(&scene.policy, &decision).unwrap();
    let denied = scene.records(Term::Kind(Kind::Denied));
    let facts = denied.last().unwrap().1.value(SectionName::Facts).unwrap();
    herleid_policies::reevaluate(&scene.policy, &facts["decision"]).unwrap();
    // Who pays goes on.
    scene.paid("0.15", "invoice 2").await;
    scene.given(&transaction(5)).await;
    assert_eq!(scene.stands().await, stands("0.75", "0.00"));
}

#[tokio::test]
async fn what_never_left_costs_nothing_and_what_left_in_part_is_paid_for() {
    let scene = Scene::costs("0.25").await;
    scene.paid("0.25", "invoice 1").await;
    drop(scene.ask(&transaction(1), 0).await);
    scene.recorded(&transaction(1), Kind::PullAborted).await;
    assert_eq!(scene.stands().await, stands("0.00", "0.25"));
    let (body, _) = scene.begun(&transaction(2)).await;
    drop(body);
    scene.recorded(&transaction(2), Kind::PullAborted).await;
    assert_eq!(scene.stands().await, stands("0.25", "0.00"));
    scene.refused(&transaction(3), StatusCode::FORBIDDEN, "was paid").await;
    // It goes on where it broke off, for nothing.
    scene.given(&transaction(2)).await;
    assert_eq!(scene.stands().await, stands("0.25", "0.00"));
}

#[tokio::test]
async fn a_part_costs_what_the_whole_does_and_the_rest_of_it_nothing() {
    let scene = Scene::costs("0.25").await;
    scene.paid("0.25", "invoice 1").await;
    for (range, bytes) in [("bytes=0-9", 10), ("bytes=10-", LENGTH - 10)] {
        let response = scene.ask_for(&transaction(1), 0, "", &[("range", range)]).await;
        assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(to_bytes(response.into_body(), 16 << 20).await.unwrap().len(), bytes);
        assert_eq!(scene.stands().await, stands("0.25", "0.00"));
    }
}

#[tokio::test]
async fn of_a_thousand_at_once_no_more_are_given_than_were_paid_for() {
    let scene = Scene::costs("0.30").await;
    // Three, and a cent too little for the fourth.
    scene.paid("1.19", "invoice 1").await;
    let all: Vec<String> = (0..1_000)
        .map(|n| format!("0192f0c1-2b3c-7d4e-8f50-11223344{n:04x}"))
        .collect();
    let given = async |transaction: &str| scene.ask(transaction, 0).await;
    let answers = futures_util::future::join_all(all.iter().map(|transaction| given(transaction))).await;
    let opened = answers
        .iter()
        .filter(|response| response.status() == StatusCode::OK)
        .count();
    assert_eq!((opened, scene.stands().await), (3, stands("0.90", "0.29")));
    // Whoever came too late was refused because of the money.
    let refused = answers
        .into_iter()
        .find(|response| response.status() != StatusCode::OK)
        .unwrap();
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let body = to_bytes(refused.into_body(), 1 << 20).await.unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    assert!(body.contains("0.30") && body.contains("paid"), "{body}");
}

#[tokio::test]
async fn a_payment_is_recorded_once_signed_and_kept_over_a_stop() {
    let scene = Scene::costs("2").await;
    let first = scene.paid("25.00", "invoice 2026-0117").await;
    assert_eq!((first.again, first.left.as_str()), (false, "25.00"));
    let again = scene.paid("25.00", " invoice 2026-0117 ").await;
    assert_eq!((again.again, again.payment.record), (true, first.payment.record));
    assert_eq!(again.left, "25.00");
    let other = scene.money(PaymentKind::Received, "26.00", "invoice 2026-0117").await;
    assert!(other.unwrap_err().contains("another amount"));
    // However it is written.
    let spaced = scene
        .money(PaymentKind::Received, "26.00", " Invoice  2026-0117 ")
        .await;
    assert!(spaced.unwrap_err().contains("another amount"));
    // In the log stands who was paid by whom, for what, and by what it is found.
    let record = scene.node.ledger.record(first.payment.record.unwrap()).unwrap();
    let facts = record.value(SectionName::Facts).unwrap();
    assert_eq!(kind_of(&record), Some(Kind::TrustChanged));
    assert_eq!(
        facts,
        json!({"what": "payment.received", "agreement": AGREED, "before": null, "by": scene.node.did.as_str(), "after": {
            "agreement": AGREED, "amount": "25.00", "currency": "EUR", "reference": "invoice 2026-0117",
            "payer": scene.consumer.as_str()}})
    );
    scene.given(&transaction(1)).await;
    let scene = scene.settled().await.reopened();
    assert_eq!(scene.stands().await, stands("2.00", "23.00"));
    let account = scene.account().await;
    assert_eq!((account.prices, account.payments.len()), (vec!["2.00".to_owned()], 1));
    let [line] = account.payments.try_into().unwrap();
    assert_eq!((line.amount.as_str(), line.record), ("25.00", first.payment.record));
    assert!(line.recorded_ms.is_some());
}

#[tokio::test]
async fn what_is_left_can_be_paid_back_and_what_was_used_cannot() {
    let scene = Scene::costs("1").await;
    scene.paid("2.50", "a").await;
    scene.given(&transaction(1)).await;
    let too_much = scene.money(PaymentKind::Returned, "1.51", "b").await.unwrap_err();
    assert!(too_much.contains("1.50 EUR of what was paid is left"), "{too_much}");
    let back = scene.money(PaymentKind::Returned, "1.00", "b").await.unwrap();
    assert_eq!((back.left.as_str(), back.payment.kind), ("0.50", PaymentKind::Returned));
    scene
        .refused(&transaction(2), StatusCode::FORBIDDEN, "`0.50` euros")
        .await;
    let again = scene.money(PaymentKind::Returned, "1.00", "b").await.unwrap();
    assert!(again.again);
    assert_eq!(scene.stands().await, stands("2.00", "0.50"));
    assert_eq!(scene.account().await.payments.len(), 2);
}

#[tokio::test]
async fn what_is_no_payment_is_refused_with_what_to_give_instead() {
    let scene = Scene::costs("1").await;
    for (amount, says) in [
        ("0", "it is nothing"),
        ("0.005", "part of a cent"),
        ("-5", "expected an amount"),
        ("1e3", "expected an amount"),
        ("5,00", "expected an amount"),
    ] {
        let refused = scene.money(PaymentKind::Received, amount, "x").await.unwrap_err();
        assert!(refused.contains(says), "{amount}: {refused}");
    }
    for reference in ["", " ", "two\nlines", &"r".repeat(141)] {
        let refused = scene.money(PaymentKind::Received, "1", reference).await.unwrap_err();
        assert!(refused.contains("reference"), "{refused}");
    }
    let most = scene.paid("9007199254.74", "all the money").await;
    assert_eq!(most.left, "9007199254.74");
    let beyond = scene
        .money(PaymentKind::Received, "1", "and one more")
        .await
        .unwrap_err();
    for part in ["9007199254.74 EUR were paid", "9007199254.740991"] {
        assert!(beyond.contains(part), "{part}: {beyond}");
    }
    assert_eq!(scene.stands().await, stands("0.00", "9007199254.74"));
    // Where nothing has a price there is nothing to pay for.
    let free = Scene::set(9).await;
    let refused = free.money(PaymentKind::Received, "1", "x").await.unwrap_err();
    assert!(refused.contains("nothing under agreement"), "{refused}");
}

#[tokio::test]
async fn access_to_what_broke_off_is_no_second_use() {
    let scene = Scene::costs("1").await;
    scene.paid("1", "a").await;
    let (body, _) = scene.begun(&transaction(1)).await;
    drop(body);
    scene.recorded(&transaction(1), Kind::PullAborted).await;
    let entry: AgreementEntry = scene
        .node
        .state
        .get(&AgreementEntry::key(AGREED, Side::Provider))
        .unwrap()
        .unwrap();
    let places = outstanding::places(&scene.node, &entry, &scene.consumer).unwrap();
    let asker = crate::deciding::Asker::by_token(&scene.consumer);
    let decide = |places: &[herleid_policies::Reservation]| {
        let decided = crate::deciding::under_agreement_again(&scene.node, &entry, crate::deciding::USE, &asker, places);
        decided.unwrap().is_permit()
    };
    assert!(decide(&places) && !decide(&[]));
}
