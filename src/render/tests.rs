#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;
use crate::contact::{FieldValue, TypedValue};
use crate::ids::FieldId;
use crate::schema::{Field, FieldType};
use crate::value::{Decimal, Instant, Urn};

fn with_subject<T>(redact_urns: bool, run: impl FnOnce(&Subject<'_>) -> T) -> T {
    let mut schema = Schema::new();
    schema.put_field(Field { id: FieldId(0), key: "age".into(), name: "Age".into(), kind: FieldType::Number });
    schema.put_field(Field { id: FieldId(1), key: "state".into(), name: "State".into(), kind: FieldType::State });
    let mut environment = Environment::utc(Instant::parse("2026-06-15T12:00:00Z").unwrap());
    environment.redact_urns = redact_urns;
    let mut contact = Contact::new(Uuid([1; 16]), Instant::parse("2020-02-29T08:05:00Z").unwrap());
    contact.name = Some("Ann Uwase".into());
    contact.urns = vec![Urn::parse("tel:+250788123123").unwrap()];
    let number = TypedValue::Number(Decimal::parse("36").unwrap());
    contact.fields.insert(FieldId(0), FieldValue { text: "36.0".into(), typed: number });
    contact.fields.insert(FieldId(1), FieldValue { text: "Rwanda > Kigali City".into(), typed: TypedValue::Text });
    let groups = [(Uuid([2; 16]), "Mothers".to_owned()), (Uuid([3; 16]), "Testers".to_owned())];
    run(&Subject { contact: &contact, groups: &groups, schema: &schema, environment: &environment })
}

fn render(template: &str) -> String {
    with_subject(false, |subject| {
        Template::parse(template)
            .and_then(|template| template.render(subject))
            .unwrap_or_else(|error| format!("{:?}: {error}", error.span))
    })
}

#[test]
fn fills_in_values_and_leaves_other_text_alone() {
    let cases = [
        ("Hi @contact.name!", "Hi Ann Uwase!"),
        ("@contact", "Ann Uwase"),
        ("@contact.first_name.", "Ann."),
        ("@fields.age years in @contact.fields.state", "36 years in Kigali City"),
        ("@contact.groups", "Mothers, Testers"),
        ("@urns.tel / @contact.urn", "+250788123123 / tel:+250788123123"),
        ("@urns.whatsapp|", "|"),
        ("write to ann@example.com or @@home", "write to ann@example.com or @home"),
        ("@", "@"),
        ("@(count(contact.groups)) groups", "2 groups"),
        ("@(join(contact.groups, \" and \"))", "Mothers and Testers"),
        ("@(if(has_group(contact.groups, \"mothers\"), \"yes\", \"no\"))", "yes"),
        ("@(if(fields.age >= 36, \"adult\", \"child\"))", "adult"),
        ("@(upper(contact.first_name) & \"-\" & fields.age)", "ANN-36"),
        ("@(format_date(contact.created_on, \"DD/MM/YYYY hh:mm\"))", "29/02/2020 08:05"),
        ("@(format_date(contact.created_on))", "29-02-2020"),
        ("@contact.created_on", "29-02-2020 08:05"),
        ("@(and(fields.age > 18, not(has_group(contact.groups, \"VIP\"))))", "true"),
        ("@(or(false, contact.language))", "false"),
        ("@(default(contact.language, \"eng\"))", "eng"),
        ("@(contact.name = \" ann uwase\")", "true"),
        ("@(contact.language != \"fra\")", "true"),
        ("@(contact.created_on < now)", "true"),
        ("@(\"a \\\"quote\\\"\")", "a \"quote\""),
    ];
    for (template, expected) in cases {
        assert_eq!(render(template), expected, "{template}");
    }
}

#[test]
fn says_what_is_wrong_and_where() {
    let cases = [
        ("@(upper(contact.name)", "21..21: expected `)`"),
        ("@(uper(contact.name))", "2..20: there is no function `uper`; did you mean `upper`?"),
        ("@fields.aeg", "1..11: there is no field `aeg`; did you mean `age`?"),
        ("@contact.nmae", "1..13: a contact has no `nmae`; did you mean `name`?"),
        ("@(\"open)", "2..8: this text has no closing quote"),
        ("@(if(1))", "2..7: wrong number of values; use it as if(test, then, else): one or the other"),
    ];
    for (template, expected) in cases {
        assert_eq!(render(template), expected, "{template}");
    }
}

#[test]
fn hidden_addresses_stay_hidden() {
    for template in ["@urns.tel", "@contact.urn", "@contact.urns", "@(join(urns))", "@(upper(urns.tel))"] {
        let text = with_subject(true, |subject| Template::parse(template).unwrap().render(subject).unwrap());
        assert!(!text.contains("788"), "{template} gives {text}");
    }
}

proptest! {
    #[test]
    fn never_panics(template in "(@|\\(|\\)|\"|contact|\\.|fields|age|&|=|,|if|[a-z]|\\PC){0,40}") {
        let _ = render(&template);
    }

    #[test]
    fn deep_nesting_is_refused(depth in 60usize..5000) {
        let template = format!("@{}1{}", "(".repeat(depth), ")".repeat(depth));
        prop_assert!(Template::parse(&template).is_err());
    }
}
