//! What is tried of each command.

/// The formats that make a difference to a command.
pub(crate) enum Formats {
    /// All of them.
    Every,
    /// These, and why no others.
    Only { formats: &'static [&'static str], why: &'static str },
}

use Formats::{Every, Only};

/// A command, a right use, and wrong ones.
pub(crate) struct Case {
    /// As it is typed.
    pub(crate) path: &'static str,
    /// What follows, so that it goes well.
    pub(crate) right: &'static str,
    pub(crate) formats: Formats,
    /// Whether its answer holds sizes or times, which are not the same twice.
    pub(crate) has_measures: bool,
    /// What follows, so that it fails.
    pub(crate) wrong: &'static [&'static str],
}

const fn case(path: &'static str, right: &'static str, wrong: &'static [&'static str]) -> Case {
    Case { path, right, formats: Every, has_measures: false, wrong }
}

impl Case {
    const fn only(mut self, formats: &'static [&'static str], why: &'static str) -> Self {
        self.formats = Only { formats, why };
        self
    }

    const fn measured(mut self) -> Self {
        self.has_measures = true;
        self
    }
}

/// Each command of the program.
pub(crate) const CASES: &[Case] = &[
    case("apply", "changes.jsonl", &["nowhere.jsonl", "rejected.jsonl", "changes.jsonl --batch-size 0"]),
    case(
        "audience",
        "--group Adults --exclude-group 'Opted Out'",
        &["", "--group Adult", "--query 'aeg > 5'", "--group VIP --exclude-started Pol"],
    ),
    case("backup", "copy", &[".headcount"]).only(&["table"], "it makes a folder and prints nothing"),
    case("campaign", "reminders.json", &["nowhere.json", "groups.json"]),
    case("check", "", &["--store nowhere"]),
    case("compact", "", &["--store nowhere"]).measured(),
    case("completions", "bash > script", &["tcsh"]).only(&["table"], "what it prints is for a shell"),
    case("contact delete", "tel:+250791234567", &["tel:+250700000000", "bob"]),
    case(
        "contact create",
        "--name 'Dan Iraguha' --urn tel:+250788123129 --field age=41",
        &["", "--urn tel:+250788123123", "--name Dan --field aeg=4", "--language Elvish"],
    ),
    case(
        "contact edit",
        "1 --name 'Claudine U.' --field age=17",
        &["1 --field aeg=17", "1 --urn tel:+250789555001", "1", "1 --status gone"],
    ),
    case("contact groups", "1", &["99"]),
    case("contact show", "1", &["99"]),
    case("contact timeline", "1", &["99"]),
    case("demo", "shown", &["backups"]).only(&["table"], "it is for people").measured(),
    case("depends", "age", &["aeg", "Adult"]),
    case("explain", "'age > 30 AND name ~ eric' --analyze", &["'age > '"]).measured(),
    case("export", "-", &["contacts.txt", "nowhere/contacts.csv"]).only(&["jsonl", "csv"], "other formats are refused"),
    case("field add", "children --type number --name 'Children at home'", &["age", "'no key'", "name"]),
    case("field list", "", &["--store nowhere"]),
    case("field edit", "household --type text", &["households --type text", "age --type text", "household"]),
    case("generate", "made-up --contacts 3 --groups 1", &["made-up", "made-up --contacts many"])
        .only(&["table"], "it writes files and prints nothing"),
    case("group add", "VIP 2 --query 'age < 20'", &["Adults 2", "VIP", "VIP 99", "VIPs 2", "VIP --query 'aeg > 3'"]),
    case(
        "group create",
        "Teenagers --query 'age = 13..19'",
        &["Adults", "A --query 'aeg > 3'", "A --query 'status = active'"],
    ),
    case("group delete", "Due", &["Adults", "Duo"]),
    case(
        "group edit",
        "Adults --query 'age >= 16' --dry-run",
        &["Adults --query 'group = \"Adult VIPs\"'", "VIP --query 'age > 3'"],
    ),
    case("group import", "groups.json", &["reminders.json", "nowhere.json", "empty.txt"]),
    case("group list", "", &["--store nowhere"]),
    case("group members", "Adults", &["Adult", "Adults --as-of soon"]),
    case("group exclude", "Adults --file leavers.txt", &["VIP 1", "Adults 99", "Adult 1"]),
    case("group pin", "Adults 3", &["VIP 1", "Adults", "Adults 99"]),
    case("group remove", "VIP --file leavers.txt", &["VIP --file queries.jsonl", "Adults 1"]),
    case("group rename", "Adults Grown-ups", &["Adult Grown-ups", "Adults VIP"]),
    case("group show", "Adults", &["adlts"]),
    case("group unpin", "Adults 1", &["VIP 1", "Adults 99"]),
    case("import", "sheet.xlsx --infer", &["nowhere.csv", "empty.txt", "changes.jsonl", "twice.jsonl --strict"]),
    case("index", "", &["--store nowhere"]).measured(),
    case("init", "--store new --country KE --timezone Africa/Nairobi", &["", "--store new --timezone Africa/Kigal"]),
    case("log", "--group Adults", &["--group Adult", "--contact 99", "--since x"]),
    case("man", "pages", &["leavers.txt"]).only(&["table"], "it writes files and prints nothing"),
    case("parse", "'AGE > 30 and group = vip tel ~ 0788'", &["'aeg > 30 AND group = VIPs'", "", "x --store nowhere"]),
    case(
        "query",
        "'age > 20' --sort -age --limit 2",
        &["'age > '", "'age > 2' --sort aeg", "x --after y", "x --group Adult"],
    ),
    case(
        "render",
        "'Hi @contact.name, @fields.age: @(join(contact.groups, \" & \"))' 1",
        &["'@(uper(contact))' 1", "hi 99"],
    ),
    case("repl", "", &["--store nowhere"]).only(&["table"], "each line of it chooses"),
    case("report", "groups.html", &["nowhere/groups.html", "groups.html --store nowhere"])
        .only(&["table"], "it writes a page")
        .measured(),
    case("schema import", "schema.json", &["nowhere.json", "contacts.jsonl"]),
    case("schema show", "", &["--store nowhere"]),
    case("stats", "", &["--store nowhere"]).measured(),
    case("tick", "", &["--store nowhere"]),
    case("why", "tel:+250791234567 Adults", &["99 Adults", "1 Adult"]),
    case("workspace set", "--date-format YYYY-MM-DD", &["", "--country RWA"]),
    case("workspace show", "", &["--store nowhere"]),
];
