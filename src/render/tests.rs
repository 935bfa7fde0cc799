#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;
use crate::contact::{FieldValue, TypedValue};
use crate::ids::{FieldId, GroupId};
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
    schema.put_field(Field { id: FieldId(2), key: "score".into(), name: "Score".into(), kind: FieldType::Number });
    for (id, name) in [(0, "Mothers"), (1, "Testers"), (2, "VIP")] {
        let uuid = Uuid([id as u8 + 2; 16]);
        schema.put_group(crate::schema::Group { id: GroupId(id), uuid, name: name.into(), smart: false });
    }
    contact.fields.insert(FieldId(2), FieldValue { text: "about".into(), typed: TypedValue::Unconvertible });
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
        ("@contact.groups", "[Mothers, Testers]"),
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
        // A number field whose text is none has no value.
        ("@(fields.score >= 18) @(fields.score != 18) @(fields.score < 18)|@fields.score|", "false true false||"),
        ("@(\"about\" >= 18) @(contact.created_on > \"about\")", "false false"),
        // Lists, their items, and what is made of each.
        ("@contact.groups.0 @contact.groups.1.name|@contact.groups.2|", "Mothers Testers||"),
        ("@(contact.groups[0]) @(contact.groups[-1].name) @(array(1, 2, 3)[1 + 1])", "Mothers Testers 3"),
        ("@(foreach(contact.groups, upper))", "[MOTHERS, TESTERS]"),
        ("@(foreach(array(\"a\", \"b\"), (x) => x & \"-\" & contact.first_name))", "[a-Ann, b-Ann]"),
        ("@(foreach(array(1, 2), (x, y) => x * y, 10))", "[10, 20]"),
        (
            "@(join(foreach(contact.groups, (g) => foreach(array(1), (n) => g.name & n)), \";\"))",
            "[Mothers1];[Testers1]",
        ),
        ("@(array(\"a\", 1, true)) @(array())|@(split(\"a b c\", \" \"))", "[a, 1, true] []|[a, b, c]"),
        ("@(count(split(\"a,b\", \",\"))) @(contains(contact.groups, \"testers\"))", "2 true"),
        // Arithmetic, by rank.
        ("@(1 + 2 * 3) @((1 + 2) * 3) @(10 / 4) @(2 ^ 10) @(-2 + 1) @(7-2-1) @(- -1)", "7 9 2.5 1024 -1 4 1"),
        ("@(fields.age + 1) @(fields.age / 7 = 36 / 7) @(fields.score + 1)|", "37 true |"),
        ("@(0.1 + 0.2) @(round(10 / 3, 2)) @(max(1, 3, 2)) @(sum(array(1, 2.5)))", "0.3 3.33 3 3.5"),
        ("@(1 + 1 & \"x\") @(1 + 1 = 2)", "2x true"),
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
        ("@(has_group(contact.groups, \"Mothrs\"))", "28..36: there is no group `Mothrs`; did you mean `Mothers`?"),
        ("@(has_group(contact.groups, \"nothing like it\"))", "28..45: there is no group `nothing like it`"),
        ("@(1 / 0)", "2..7: this divides by zero"),
        ("@(contact.name + 1)", "2..14: `Ann Uwase` is not a number"),
        ("@(contact.groups.size)", "2..21: a list has no `size`"),
        ("@(foreach(contact.groups, (a, b) => a))", "26..37: this function takes 2 values, and it is given 1"),
        ("@(foreach(contact.groups, uper))", "26..30: there is no function `uper`; did you mean `upper`?"),
        ("@(array(1)[0)", "12..13: expected `]`"),
        ("@(9 ^ 999)", "2..9: the result is none that has at most 36 digits; a power is a whole number up to 1,000"),
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

#[test]
fn lists_within_lists_end() {
    let many = format!("array({})", vec!["1"; 900].join(", "));
    let told = render(&format!("@(count(foreach({many}, (x) => foreach({many}, (y) => x + y))))"));
    assert!(told.ends_with("the message takes more than 200000 steps"), "{told}");
}

proptest! {
    #[test]
    fn never_panics(template in "(@|\\(|\\)|\"|contact|\\.|fields|age|&|=|,|if|\\[|\\]|=>|\\*|/|\\^|-|\\+|foreach|[0-9]|[a-z]|\\PC){0,40}") {
        let _ = render(&template);
    }

    #[test]
    fn deep_nesting_is_refused(depth in 60usize..5000) {
        let template = format!("@{}1{}", "(".repeat(depth), ")".repeat(depth));
        prop_assert!(Template::parse(&template).is_err());
    }
}
