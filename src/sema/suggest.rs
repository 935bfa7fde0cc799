//! "Did you mean": the nearest of the names that would have been right.

use crate::schema::Schema;
use crate::sema::attribute::Attribute;
use crate::value::fold::fold;
use crate::value::urn::KNOWN_SCHEMES;

/// The candidate nearest to a text, if one is near: at most a third of its letters are wrong, or swapped, and not all.
pub fn nearest<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let text = fold(text);
    let length = text.chars().count();
    // Nobody mistypes a word this long in a way that can be told; and the distance costs the square of it.
    if length > 64 {
        return None;
    }
    let most = (length / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= 4 * (length + most))
        .filter_map(|candidate| {
            let distance = strsim::osa_distance(&text, &fold(candidate));
            (distance <= most && distance < length).then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The property that someone means who writes this key: an attribute, a known scheme, a field's key or its name.
pub fn property(key: &str, schema: Option<&Schema>) -> Option<String> {
    let fields = schema.map(Schema::fields).unwrap_or_default();
    if let Some(field) = fields.iter().find(|field| fold(&field.name) == fold(key)) {
        return Some(field.key.clone());
    }
    let synonym = match key {
        "phone" | "msisdn" | "mobile" | "number" | "phone_number" => Some("tel"),
        "email" | "mail" => Some("mailto"),
        "groups" => Some("group"),
        "lang" => Some("language"),
        "created" => Some("created_on"),
        "last_seen" | "seen" | "lastseen" => Some("last_seen_on"),
        "ticket" => Some("tickets"),
        "urns" => Some("urn"),
        _ => None,
    };
    if let Some(synonym) = synonym {
        return Some(synonym.to_owned());
    }
    let mut candidates: Vec<&str> = fields.iter().map(|field| field.key.as_str()).collect();
    Attribute::ALL.iter().for_each(|attribute| candidates.push(attribute.key()));
    KNOWN_SCHEMES.iter().for_each(|scheme| candidates.push(scheme));
    nearest(key, candidates).map(str::to_owned)
}

/// As help: `` did you mean `x`? ``
pub fn did_you_mean(name: Option<impl AsRef<str>>) -> Option<String> {
    name.map(|name| format!("did you mean `{}`?", name.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        assert_eq!(property("gendr", None), None);
        assert_eq!(property("nmae", None).as_deref(), Some("name"));
        assert_eq!(property("staus", None).as_deref(), Some("status"));
        assert_eq!(property("phone", None).as_deref(), Some("tel"));
        assert_eq!(property("x", None), None);
        assert_eq!(nearest("U-Repoters", ["VIP", "U-Reporters"]), Some("U-Reporters"));
        assert_eq!(nearest("Nobody", ["VIP", "U-Reporters"]), None);
        assert_eq!(nearest(&"x".repeat(10_000), ["VIP"]), None);
    }
}
