//! The description of the service, made from the table of routes.

use serde_json::{Map, Value, json};

use super::routes::{self, Errors, Parameter, Route, Work};

/// The whole description.
pub(super) fn document() -> Value {
    let mut paths = Map::new();
    for route in routes::all().filter(|route| route.errors != Errors::Page) {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        if let Some(methods) = path.as_object_mut() {
            methods.insert(route.method.to_lowercase(), operation(route));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "headcount",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Contact search and exact smart groups. Answers under /api are those of the command line.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "securitySchemes": { "token": {
                "type": "apiKey", "in": "header", "name": "Authorization", "description": "Token T"
            } },
        },
        "security": [{ "token": [] }, {}],
    })
}

fn operation(route: &Route) -> Value {
    let mut responses = Map::new();
    for (status, shape) in route.answers {
        responses.insert(status.to_string(), response(shape));
    }
    let problem = if route.errors == Errors::Platform { "PlatformProblem" } else { "Problem" };
    let mut problems = vec![401, 403, 408, 413, 500, 503];
    problems.extend(route.problems);
    if !route.body.is_empty() || !route.parameters.is_empty() {
        problems.push(400);
    }
    for status in problems {
        let shape = if status == 400 && route.errors == Errors::Platform { "PlatformInvalid" } else { problem };
        responses.entry(status.to_string()).or_insert_with(|| response(shape));
    }
    let in_path = |name: &str| route.path.contains(&format!("{{{name}}}"));
    let parameters: Vec<Value> = route
        .parameters
        .iter()
        .map(|Parameter { name, kind, about }| {
            let schema = match *kind {
                "date-time" => json!({ "type": "string", "format": "date-time" }),
                "integer" => json!({ "type": "integer", "minimum": 0 }),
                kind => json!({ "type": kind }),
            };
            let place = if in_path(name) { "path" } else { "query" };
            json!({ "name": name, "in": place, "required": in_path(name), "schema": schema, "description": about })
        })
        .collect();
    let id: String = format!("{} {}", route.method, route.path)
        .to_lowercase()
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("_");
    let mut operation = json!({
        "operationId": id, "summary": route.about, "parameters": parameters, "responses": responses,
    });
    if !route.body.is_empty() {
        operation["requestBody"] = json!({ "required": true, "content": content(route.body) });
    }
    if matches!(route.work, Work::Write(_)) {
        operation["description"] = json!("Needs a service that was started with --allow-write.");
    }
    operation
}

fn response(shape: &str) -> Value {
    match shape {
        "" => json!({ "description": "Done." }),
        shape => json!({ "description": shape, "content": content(shape) }),
    }
}

fn content(shape: &str) -> Value {
    match shape {
        "text" => json!({ "text/plain": { "schema": { "type": "string" } } }),
        "events" => json!({ "text/event-stream": { "schema": { "type": "string" } } }),
        "lines" => json!({ "application/x-ndjson": { "schema": { "type": "string" } } }),
        shape => json!({ "application/json": { "schema": reference(shape) } }),
    }
}

fn reference(shape: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{shape}") })
}

fn list(items: Value) -> Value {
    json!({ "type": "array", "items": items })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn text_or_null() -> Value {
    json!({ "type": ["string", "null"] })
}

fn count() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

fn flag() -> Value {
    json!({ "type": "boolean" })
}

fn or_null(schema: Value) -> Value {
    json!({ "anyOf": [schema, { "type": "null" }] })
}

/// An object of these properties; the first `required` of them are always there, and no others.
fn object(required: usize, properties: &[(&str, Value)]) -> Value {
    let names: Vec<&str> = properties.iter().take(required).map(|(name, _)| *name).collect();
    let properties: Map<String, Value> =
        properties.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({ "type": "object", "properties": properties, "required": names, "additionalProperties": false })
}

/// The same, where others may stand beside them.
fn open_object(required: usize, properties: &[(&str, Value)]) -> Value {
    let mut schema = object(required, properties);
    schema["additionalProperties"] = json!(true);
    schema
}

fn dialect() -> Value {
    json!({ "type": "string", "enum": ["extended", "contactql"] })
}

/// All shapes by name.
fn schemas() -> Map<String, Value> {
    let mut schemas = Map::new();
    for (name, schema) in bodies().into_iter().chain(answers()).chain(platform()) {
        schemas.insert(name.to_owned(), schema);
    }
    schemas
}

fn bodies() -> Vec<(&'static str, Value)> {
    let groups = || list(text());
    vec![
        (
            "QueryBody",
            object(
                1,
                &[
                    ("query", text()),
                    ("count", flag()),
                    ("sort", text_or_null()),
                    ("limit", json!({ "type": "integer", "minimum": 0, "maximum": super::api::MOST_ROWS })),
                    ("offset", count()),
                    ("after", text_or_null()),
                    ("group", text_or_null()),
                    ("dialect", dialect()),
                ],
            ),
        ),
        ("ParseBody", object(1, &[("query", text()), ("dialect", dialect())])),
        ("ExplainBody", object(1, &[("query", text()), ("analyze", flag()), ("dialect", dialect())])),
        ("WhyBody", object(2, &[("contact", text()), ("group", text())])),
        ("RenderBody", object(2, &[("template", text()), ("contact", text())])),
        ("CompleteBody", object(1, &[("text", text()), ("position", count())])),
        (
            "AudienceBody",
            object(
                0,
                &[
                    ("groups", groups()),
                    ("contacts", groups()),
                    ("query", text_or_null()),
                    ("exclude_groups", groups()),
                    ("exclude_in_flow", flag()),
                    ("exclude_started", text_or_null()),
                    ("not_seen_since", json!({ "type": ["integer", "null"], "minimum": 0, "maximum": u32::MAX })),
                    ("include_inactive", flag()),
                    ("dialect", dialect()),
                    ("limit", json!({ "type": "integer", "minimum": 0, "maximum": super::api::MOST_ROWS })),
                ],
            ),
        ),
    ]
}

fn answers() -> Vec<(&'static str, Value)> {
    let named = || reference("UuidName");
    vec![
        (
            "Problem",
            open_object(
                1,
                &[
                    ("error", text()),
                    ("code", text()),
                    ("extra", json!({ "type": "object" })),
                    ("span", list(count())),
                    ("errors", list(json!({ "type": "object" }))),
                ],
            ),
        ),
        ("UuidName", object(2, &[("uuid", text()), ("name", text())])),
        (
            "Metadata",
            object(
                5,
                &[
                    ("attributes", list(text())),
                    ("schemes", list(text())),
                    ("fields", list(object(2, &[("key", text()), ("name", text())]))),
                    ("groups", list(json!({ "type": "object" }))),
                    ("allow_as_group", flag()),
                ],
            ),
        ),
        (
            "Contact",
            object(
                10,
                &[
                    ("uuid", text()),
                    ("name", text_or_null()),
                    ("language", text_or_null()),
                    ("status", text_or_null()),
                    ("urns", list(text())),
                    ("fields", json!({ "type": "object", "additionalProperties": { "type": "string" } })),
                    ("flow", or_null(named())),
                    ("tickets", count()),
                    ("created_on", text_or_null()),
                    ("modified_on", text_or_null()),
                    ("last_seen_on", text_or_null()),
                    ("id", text()),
                    ("ref", text()),
                    ("groups", list(named())),
                    ("history", list(named())),
                ],
            ),
        ),
        (
            "Found",
            json!({ "anyOf": [
                object(5, &[
                    ("query", text()), ("total", count()), ("contacts", list(reference("Contact"))),
                    ("next", text_or_null()), ("metadata", reference("Metadata")),
                ]),
                object(2, &[("query", text()), ("total", count())]),
            ] }),
        ),
        (
            "Parsed",
            object(
                3,
                &[
                    ("query", text()),
                    ("metadata", reference("Metadata")),
                    ("warnings", list(json!({ "type": "object" }))),
                ],
            ),
        ),
        ("Explained", json!({ "type": "object" })),
        ("Explanation", open_object(3, &[("contact", named()), ("group", named()), ("member", flag())])),
        ("Completion", object(2, &[("start", count()), ("candidates", list(text()))])),
        ("Recipients", object(3, &[("query", text()), ("total", count()), ("contacts", list(reference("Contact")))])),
        ("Rendered", object(1, &[("text", text())])),
        (
            "Group",
            object(
                6,
                &[
                    ("uuid", text()),
                    ("name", text()),
                    ("query", text_or_null()),
                    ("status", text()),
                    ("system", flag()),
                    ("count", count()),
                    ("pending", text()),
                    ("reason", text()),
                    ("used_by", list(named())),
                ],
            ),
        ),
        ("GroupList", object(1, &[("groups", list(reference("Group")))])),
        (
            "MemberList",
            object(
                3,
                &[
                    ("group", named()),
                    ("total", count()),
                    ("contacts", list(reference("Contact"))),
                    ("pinned", list(text())),
                    ("excluded", list(text())),
                ],
            ),
        ),
        (
            "History",
            object(
                3,
                &[
                    ("group", named()),
                    ("by", text()),
                    (
                        "periods",
                        list(object(
                            4,
                            &[("begins", text()), ("entered", count()), ("left", count()), ("count", count())],
                        )),
                    ),
                ],
            ),
        ),
        (
            "Move",
            object(
                7,
                &[
                    ("seq", count()),
                    ("created_on", text()),
                    ("type", text()),
                    ("contact", object(1, &[("uuid", text())])),
                    ("groups_added", list(named())),
                    ("groups_removed", list(named())),
                    ("cause", json!({ "enum": ["change", "clock", "edit", "manual"] })),
                ],
            ),
        ),
        ("Timeline", object(2, &[("contact", object(1, &[("uuid", text())])), ("changes", list(reference("Move")))])),
        (
            "Applied",
            object(
                6,
                &[
                    ("applied", count()),
                    ("seen", count()),
                    ("rejected", list(object(2, &[("line", count()), ("error", text())]))),
                    ("warnings", list(text())),
                    ("seq", count()),
                    ("moves", list(reference("Move"))),
                ],
            ),
        ),
        ("Stats", open_object(3, &[("contacts", count()), ("urns", count()), ("groups", count())])),
        ("Health", object(1, &[("status", text())])),
        ("Description", json!({ "type": "object" })),
    ]
}

/// Shapes of other systems.
fn platform() -> Vec<(&'static str, Value)> {
    let results = |shape: &str| {
        let results = ("results", list(reference(shape)));
        object(3, &[("next", text_or_null()), ("previous", text_or_null()), results])
    };
    let group_name = || json!({ "type": ["integer", "string", "null"], "minimum": 0, "maximum": u32::MAX });
    vec![
        ("PlatformProblem", open_object(0, &[("detail", text())])),
        ("PlatformInvalid", json!({ "type": "object", "additionalProperties": true })),
        (
            "PlatformContact",
            open_object(
                11,
                &[
                    ("uuid", text()),
                    ("name", text_or_null()),
                    ("status", text_or_null()),
                    ("language", text_or_null()),
                    ("urns", list(text())),
                    ("groups", list(reference("UuidName"))),
                    ("fields", json!({ "type": "object" })),
                    ("flow", or_null(reference("UuidName"))),
                    ("created_on", text_or_null()),
                    ("modified_on", text_or_null()),
                    ("last_seen_on", text_or_null()),
                ],
            ),
        ),
        ("PlatformContacts", results("PlatformContact")),
        (
            "PlatformContactBody",
            open_object(
                0,
                &[
                    ("name", text_or_null()),
                    ("language", text_or_null()),
                    ("status", text()),
                    ("urns", list(text())),
                    ("groups", list(text())),
                    ("fields", json!({ "type": "object", "additionalProperties": text_or_null() })),
                ],
            ),
        ),
        (
            "PlatformActions",
            open_object(2, &[("contacts", list(text())), ("action", text()), ("group", text_or_null())]),
        ),
        (
            "PlatformGroup",
            object(
                6,
                &[
                    ("uuid", text()),
                    ("name", text()),
                    ("query", text_or_null()),
                    ("status", text()),
                    ("system", flag()),
                    ("count", count()),
                ],
            ),
        ),
        ("PlatformGroups", results("PlatformGroup")),
        ("PlatformGroupBody", open_object(1, &[("name", text()), ("query", text_or_null())])),
        ("PlatformField", open_object(3, &[("key", text()), ("name", text()), ("type", text())])),
        ("PlatformFields", results("PlatformField")),
        ("PlatformWorkspace", open_object(2, &[("uuid", text()), ("name", text()), ("anon", flag())])),
        (
            "MailroomSearch",
            open_object(
                0,
                &[
                    ("org_id", count()),
                    ("group_id", group_name()),
                    ("group_uuid", text_or_null()),
                    ("query", text()),
                    ("sort", text_or_null()),
                    ("offset", count()),
                    ("limit", json!({ "type": "integer", "minimum": 0, "maximum": super::api::MOST_ROWS })),
                    ("exclude_uuids", list(json!({ "type": "string", "format": "uuid" }))),
                ],
            ),
        ),
        (
            "MailroomFound",
            object(
                4,
                &[
                    ("query", text()),
                    ("contact_uuids", list(text())),
                    ("total", count()),
                    ("metadata", reference("Metadata")),
                ],
            ),
        ),
        ("MailroomParse", open_object(1, &[("query", text()), ("org_id", count())])),
        ("MailroomParsed", object(2, &[("query", text()), ("metadata", reference("Metadata"))])),
        ("MailroomExport", object(1, &[("contact_uuids", list(text()))])),
        ("MailroomTotal", object(1, &[("total", count()), ("query", text())])),
        (
            "MailroomPopulate",
            open_object(1, &[("query", text()), ("group_id", group_name()), ("group_uuid", text_or_null())]),
        ),
        (
            "MailroomPreview",
            open_object(
                0,
                &[
                    (
                        "include",
                        open_object(
                            0,
                            &[("group_uuids", list(text())), ("contact_uuids", list(text())), ("query", text())],
                        ),
                    ),
                    (
                        "exclude",
                        open_object(
                            0,
                            &[
                                ("non_active", flag()),
                                ("in_a_flow", flag()),
                                ("started_previously", flag()),
                                (
                                    "not_seen_since_days",
                                    json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }),
                                ),
                            ],
                        ),
                    ),
                    ("flow_uuid", text_or_null()),
                ],
            ),
        ),
    ]
}
