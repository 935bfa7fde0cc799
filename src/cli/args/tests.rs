#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use clap::{CommandFactory, Parser};

use super::{Cli, Command};
use crate::cli::args::stream::Apply;

/// The help of each command, as wide as it is ever drawn, without what differs between machines.
fn helps(command: &clap::Command, path: &str, helps: &mut Vec<(String, String)>) {
    let path = if path.is_empty() { command.get_name().to_owned() } else { format!("{path} {}", command.get_name()) };
    let help =
        command.clone().bin_name(&path).disable_version_flag(true).term_width(100).render_long_help().to_string();
    helps.push((path.clone(), help));
    command.get_subcommands().filter(|sub| sub.get_name() != "help").for_each(|sub| self::helps(sub, &path, helps));
}

fn all_helps() -> Vec<(String, String)> {
    let mut command = Cli::command();
    command.build();
    let mut all = Vec::new();
    helps(&command, "", &mut all);
    all
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn help_of_every_command() {
    for (path, help) in all_helps() {
        // Global options are the same everywhere: they are kept once.
        let own = match help.find("\nGlobal options:") {
            Some(at) if path != "headcount" => {
                let rest = &help[at + 1..];
                let after = rest.find("\n\nExample").map_or("", |at| &rest[at + 1..]);
                format!("{}{after}", &help[..at])
            }
            _ => help,
        };
        insta::assert_snapshot!(path.replace(' ', "_"), own, &path);
    }
}

/// As a shell would, for words and both kinds of quotes.
fn split(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut is_word) = (Vec::new(), String::new(), None, false);
    for c in line.chars() {
        match (quote, c) {
            (None, '\'' | '"') => (quote, is_word) = (Some(c), true),
            (Some(open), c) if open == c => quote = None,
            (None, ' ') => {
                if std::mem::take(&mut is_word) {
                    words.push(std::mem::take(&mut word));
                }
            }
            (_, c) => {
                word.push(c);
                is_word = true;
            }
        }
    }
    if is_word {
        words.push(word);
    }
    words
}

#[test]
fn wrong_usage_is_told_with_what_to_write_instead() {
    let wrong = [
        ("", "Usage: headcount"),
        ("querry x", "unrecognized subcommand 'querry'"),
        ("querry x", "'query'"),
        ("query x --batch f", "cannot be used with"),
        ("query x --limit 3 --all", "cannot be used with"),
        ("query x --count --sort name", "cannot be used with"),
        ("query x --sort -", "a key to sort by is a property, such as name or -created_on"),
        ("query x --format xml", "[possible values: table, json, jsonl, csv, ids]"),
        ("query x --now soon", "a time is written 2026-06-15T12:00:00Z or 2026-06-15"),
        ("query x --dialect sql", "[possible values: extended, contactql]"),
        ("query x -q -v", "cannot be used with"),
        ("init --timezone Mars/Base", "a zone is named as in Africa/Kigali"),
        ("init --date-format D/M/Y", "the formats are DD-MM-YYYY, MM-DD-YYYY and YYYY-MM-DD"),
        ("init --country Rwanda", "a country is two letters, such as RW"),
        ("workspace set", "Usage: headcount workspace set"),
        ("field add Âge", "a key is 1 to 64 letters, digits and `_`"),
        ("field add age --type int", "[possible values: text, number, datetime, state, district, ward]"),
        ("field edit age", "required arguments were not provided"),
        ("parse x --schema s --no-resolve", "cannot be used with"),
        ("group create ' '", "a name is not blank"),
        ("group create A --dialect contactql", "--query <QUERY>"),
        ("group add VIP", "required arguments were not provided"),
        ("group add VIP ' '", "is neither a uuid, nor an address such as `tel:+250788123123`, nor a number"),
        ("apply f --batch-size 0", "0 is not in"),
        ("contact edit 17", "required arguments were not provided"),
        ("contact edit 17 --status gone", "a status is active, blocked, stopped or archived"),
        ("contact edit 17 --field age", "a field is set with KEY=VALUE, and cleared with KEY="),
        ("contact edit 17 --urn bob", "an address is scheme:path"),
        ("generate d --contacts many", "a number is written 200000, 200,000 or 200k"),
        ("generate d --contacts 99999999999999999999", "a number is written 200000, 200,000 or 200k"),
    ];
    for (line, reason) in wrong {
        let words = split(&format!("headcount {line}"));
        let error = Cli::try_parse_from(words).expect_err(line);
        assert_eq!(error.exit_code(), 2, "{line}");
        let told = error.to_string();
        assert!(told.contains(reason), "{line}\n  said: {told}\n  expected: {reason}");
    }
}

#[test]
fn values_are_read_as_people_write_them() {
    let parse = |line: &str| Cli::try_parse_from(split(&format!("headcount {line}"))).unwrap();
    let cli = parse("generate d --contacts 200k --groups 1,500 --changes 2m --now 2026-06-15");
    assert_eq!(cli.global.now.unwrap().to_string(), "2026-06-15T00:00:00Z");
    let Command::Generate(generate) = cli.command else { panic!() };
    assert_eq!((generate.contacts, generate.groups, generate.changes), (200_000, 1_500, 2_000_000));
    let Command::Query(query) = parse("query 'age > -5' --sort -last_seen_on").command else { panic!() };
    let sort = query.sort.unwrap();
    assert_eq!((sort.property.as_str(), sort.descending, query.limit), ("last_seen_on", true, 50));
    let Command::Apply(Apply { file, .. }) = parse("apply -").command else { panic!() };
    assert_eq!(file.as_os_str(), "-");
}
