//! Loss of power: what a disk may hold then is built from the calls that a command made, and looked at.
//!
//! What was synced is there. Of the rest, writes and names, anything may be: nothing, all of it, or some of it in any order.
//! `HEADCOUNT_POWER_CUTS` sets how many such disks are built for each command (by default 12), `HEADCOUNT_POWER_SEED` which.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::faults::{contents, copy, make, people};
use crate::{Ran, finish, headcount, run, run_with};

/// A file or folder of the disk; a number that the system gives anew stands for another one each time.
type Inode = (u64, u32);

/// What a command did to the disk, or said.
#[derive(Clone, Debug)]
enum Record {
    Write { inode: Inode, at: usize, bytes: Vec<u8>, is_synced: bool },
    Truncate { inode: Inode, length: usize },
    Sync(Inode),
    Name { folder: Inode, name: String, inode: Inode, is_folder: bool },
    Remove { folder: Inode, name: String },
    Rename { from: (Inode, String), to: (Inode, String), inode: Inode },
    Said,
}

/// A disk: names in folders, and what files hold.
#[derive(Clone, Default)]
struct Disk {
    names: BTreeMap<(Inode, String), Inode>,
    folders: HashSet<Inode>,
    files: HashMap<Inode, Vec<u8>>,
}

impl Disk {
    /// What a folder holds now.
    fn load(&mut self, folder: &Path) -> Inode {
        let here = (fs::metadata(folder).unwrap().ino(), 0);
        self.folders.insert(here);
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let inode = if entry.path().is_dir() {
                self.load(&entry.path())
            } else {
                let inode = (entry.metadata().unwrap().ino(), 0);
                self.files.insert(inode, fs::read(entry.path()).unwrap());
                inode
            };
            self.names.insert((here, name), inode);
        }
        here
    }

    fn apply(&mut self, record: &Record) {
        match record {
            Record::Write { inode, at, bytes, .. } => {
                let file = self.files.entry(*inode).or_default();
                if file.len() < at + bytes.len() {
                    file.resize(at + bytes.len(), 0);
                }
                file[*at..at + bytes.len()].copy_from_slice(bytes);
            }
            Record::Truncate { inode, length } => self.files.entry(*inode).or_default().resize(*length, 0),
            Record::Name { folder, name, inode, is_folder } => {
                if *is_folder {
                    self.folders.insert(*inode);
                }
                self.names.insert((*folder, name.clone()), *inode);
            }
            Record::Remove { folder, name } => drop(self.names.remove(&(*folder, name.clone()))),
            Record::Rename { from, to, inode } => {
                // A disk that never heard of the old name learns the new one.
                if self.names.get(from) == Some(inode) {
                    self.names.remove(from);
                }
                self.names.insert(to.clone(), *inode);
            }
            Record::Sync(_) | Record::Said => {}
        }
    }

    /// Makes what it holds below a folder of it.
    fn write(&self, here: Inode, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for ((folder, name), inode) in &self.names {
            if *folder != here {
                continue;
            }
            let path = to.join(name);
            if self.folders.contains(inode) {
                self.write(*inode, &path);
            } else {
                fs::write(path, self.files.get(inode).map_or(&[][..], Vec::as_slice)).unwrap();
            }
        }
    }
}

/// Reads what `record.c` wrote down.
fn records(bytes: &[u8]) -> Vec<Record> {
    let mut generations: HashMap<u64, u32> = HashMap::new();
    let mut records = Vec::new();
    let mut rest = bytes;
    let line = |rest: &mut &[u8]| -> String {
        let end = rest.iter().position(|&byte| byte == b'\n').unwrap();
        let line = String::from_utf8(rest[..end].to_vec()).unwrap();
        *rest = &rest[end + 1..];
        line
    };
    while !rest.is_empty() {
        let text = line(&mut rest);
        let mut words = text.split(' ');
        let kind = words.next().unwrap();
        let mut inode = |is_new: bool| {
            let number: u64 = words.next().unwrap().parse().unwrap();
            let generation = generations.entry(number).or_insert(0);
            *generation += u32::from(is_new);
            (number, *generation)
        };
        let record = match kind {
            "said" => Record::Said,
            "sync" => Record::Sync(inode(false)),
            "truncate" => Record::Truncate { inode: inode(false), length: words.next().unwrap().parse().unwrap() },
            "write" => {
                let inode = inode(false);
                let mut number = || words.next().unwrap().parse::<usize>().unwrap();
                let (at, length, synced) = (number(), number(), number());
                let (bytes, after) = rest.split_at(length);
                rest = after;
                Record::Write { inode, at, bytes: bytes.to_vec(), is_synced: synced != 0 }
            }
            "create" | "folder" | "link" => {
                let (folder, named) = (inode(false), inode(kind != "link"));
                let name = words.collect::<Vec<_>>().join(" ");
                Record::Name { folder, name, inode: named, is_folder: kind == "folder" }
            }
            "remove" => Record::Remove { folder: inode(false), name: words.collect::<Vec<_>>().join(" ") },
            "rename" => {
                let (before, after, moved) = (inode(false), inode(false), inode(false));
                let (from, to) = (line(&mut rest), line(&mut rest));
                Record::Rename { from: (before, from), to: (after, to), inode: moved }
            }
            other => panic!("{other}: no such record"),
        };
        records.push(record);
    }
    records
}

/// Which of the first records are on the disk for sure: a sync came after them.
fn durable(records: &[Record]) -> Vec<bool> {
    let mut synced: HashSet<Inode> = HashSet::new();
    let mut durable = vec![false; records.len()];
    for (at, record) in records.iter().enumerate().rev() {
        durable[at] = match record {
            Record::Sync(inode) => {
                synced.insert(*inode);
                true
            }
            Record::Write { inode, is_synced, .. } => *is_synced || synced.contains(inode),
            Record::Truncate { inode, .. } => synced.contains(inode),
            Record::Name { folder, .. } | Record::Remove { folder, .. } => synced.contains(folder),
            Record::Rename { from, to, .. } => synced.contains(&from.0) && synced.contains(&to.0),
            Record::Said => true,
        };
    }
    durable
}

struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most.max(1)
    }
}

/// The library that records, compiled.
fn recorder(folder: &Path) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hardship/record.c");
    let library = folder.join("record.so");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl");
    assert!(compiler.status().expect("a C compiler is needed, as for the program itself").success());
    library
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |number| number.parse().unwrap())
}

/// Runs a command on a store and cuts the power, again and again; `look` is shown the folder of each disk, and whether the
/// command had ended, so that all that it does must be there.
fn cut(arguments: &[&str], input: &str, prepare: impl Fn(&Path), look: impl Fn(&Path, bool)) {
    let folder = tempfile::tempdir().unwrap();
    let folder = fs::canonicalize(folder.path()).unwrap();
    let library = recorder(&folder);
    let trial = folder.join("trial");
    fs::create_dir(&trial).unwrap();
    prepare(&trial);
    let mut before = Disk::default();
    let root = before.load(&trial);
    let mut command = headcount(&trial);
    command.env("LD_PRELOAD", &library).env("HEADCOUNT_RECORD_IN", &trial);
    command.env("HEADCOUNT_RECORD", folder.join("records")).args(arguments);
    finish(&mut command, input).well();
    let all = records(&fs::read(folder.join("records")).unwrap());
    assert!(all.iter().any(|record| matches!(record, Record::Sync(_))), "{arguments:?} syncs nothing");
    let seed = number("HEADCOUNT_POWER_SEED", 3);
    let mut random = Random(seed);
    for round in 0..number("HEADCOUNT_POWER_CUTS", 12) as usize {
        // Every third time after the end: what was acknowledged must last.
        let end = if round % 3 == 0 { all.len() } else { random.below(all.len()) };
        let happened = &all[..end];
        let durable = durable(happened);
        let chance = [0, 100, 50, 20, 80][round % 5];
        let mut disk = before.clone();
        for (record, is_durable) in happened.iter().zip(durable) {
            if is_durable || random.below(100) < chance {
                disk.apply(record);
            }
        }
        let image = folder.join("image");
        let _ = fs::remove_dir_all(&image);
        disk.write(root, &image);
        let looked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| look(&image, end == all.len())));
        if let Err(panic) = looked {
            eprintln!(
                "{arguments:?}, seed {seed}, round {round}: cut after {end} of {} calls, {chance} of 100 unsynced ones kept",
                all.len()
            );
            for record in happened.iter().rev().take(25).rev() {
                let text = format!("{record:?}");
                eprintln!("  {}", text.chars().take(160).collect::<String>());
            }
            std::panic::resume_unwind(panic);
        }
    }
}

fn with_store(folder: &Path) {
    let template = tempfile::tempdir().unwrap();
    copy(&make(template.path()), &folder.join(".headcount"));
}

/// The store is whole, and everything works, without anybody being asked to mend something.
fn works(folder: &Path) -> Ran {
    run(folder, &["index"]).well();
    let checked = run(folder, &["check"]).well();
    run_with(folder, &["import", "-"], &people(900..902, "later")).well();
    run(folder, &["contact", "delete", "tel:+250788100900", "--erase"]).well();
    run(folder, &["index", "--rebuild"]).well();
    run(folder, &["backup", "another"]).well();
    run(folder, &["check"]).well();
    checked
}

/// Cuts a command on a store that is as it was, or as the command makes it.
fn changes(arguments: &[&str], input: &str) {
    let template = tempfile::tempdir().unwrap();
    with_store(template.path());
    let store = template.path().join(".headcount");
    let original = template.path().join("original");
    copy(&store, &original);
    let before = contents(&store);
    finish(headcount(template.path()).args(arguments), input).well();
    let after = contents(&store);
    let look = |image: &Path, has_ended: bool| {
        let found = contents(&image.join(".headcount"));
        assert!(found == after || found == before && !has_ended, "half done, or lost: {arguments:?}");
        works(image);
    };
    cut(arguments, input, |folder| copy(&original, &folder.join(".headcount")), look);
}

const AGE: &str = r#"{"type": "contact_field_changed", "contact": {"urn": "tel:+250788100003"}, "field": {"key": "age"}, "value": {"text": "77"}}"#;

#[test]
fn changes_last_through_a_loss_of_power() {
    changes(&["apply", "-"], AGE);
    changes(&["import", "-"], &people(30..90, "a red boat"));
    changes(&["workspace", "set", "--timezone", "Africa/Kigali"], "");
}

#[test]
fn an_index_run_is_gone_on_with_after_a_loss_of_power() {
    let behind = |folder: &Path| {
        with_store(folder);
        run_with(folder, &["import", "-"], &people(20..60, "a green boat")).well();
    };
    for arguments in [&["index"][..], &["index", "--rebuild"]] {
        cut(arguments, "", behind, |image, _| {
            let found = run(image, &["query", "note ~ green", "--count"]).well().output;
            assert_eq!(found.trim(), "40");
            works(image);
            let found = run(image, &["query", "note ~ green", "--count"]).well().output;
            assert_eq!(found.trim(), "40");
        });
    }
}

#[test]
fn an_erasure_is_whole_after_a_loss_of_power() {
    changes(&["contact", "delete", "tel:+250788100003", "--erase"], "");
}

#[test]
fn a_new_store_is_there_or_not_after_a_loss_of_power() {
    cut(
        &["--store", "a/b/store", "init"],
        "",
        |_| {},
        |image, has_ended| {
            let arguments = |command| [&["--store", "a/b/store"][..], &[command]].concat();
            if image.join("a/b/store").exists() {
                run(image, &arguments("check")).well();
            } else {
                assert!(!has_ended, "it is gone");
                run(image, &arguments("init")).well();
            }
            run_with(image, &[&arguments("import")[..], &["-"]].concat(), "{\"urns\": [\"tel:+250788000001\"]}").well();
            run(image, &arguments("check")).well();
        },
    );
}

#[test]
fn a_backup_is_whole_or_not_there_after_a_loss_of_power() {
    let template = tempfile::tempdir().unwrap();
    with_store(template.path());
    let held = contents(&template.path().join(".headcount"));
    for arguments in [&["backup", "copy"][..], &["backup", "copy", "--compact"]] {
        let same = |folder: &Path| copy(&template.path().join(".headcount"), &folder.join(".headcount"));
        cut(arguments, "", same, |image, has_ended| {
            if image.join("copy").exists() {
                assert_eq!(contents(&image.join("copy")), held);
                run(image, &["--store", "copy", "check"]).well();
            } else {
                assert!(!has_ended, "it is gone");
                run(image, &["backup", "copy"]).well();
            }
            // What a backup left that was cut off is gone with the next one.
            run(image, &["--store", "copy", "check"]).well();
            works(image);
        });
    }
}

#[test]
fn a_file_for_people_is_whole_or_as_it_was_after_a_loss_of_power() {
    let template = tempfile::tempdir().unwrap();
    with_store(template.path());
    run(template.path(), &["export", "out.csv"]).well();
    let whole = fs::read_to_string(template.path().join("out.csv")).unwrap();
    let with_an_old_one = |folder: &Path| {
        copy(&template.path().join(".headcount"), &folder.join(".headcount"));
        fs::write(folder.join("out.csv"), "old").unwrap();
    };
    cut(&["export", "out.csv"], "", with_an_old_one, |image, has_ended| {
        let found = fs::read_to_string(image.join("out.csv")).unwrap();
        assert!(found == whole || found == "old" && !has_ended, "{found}");
    });
    cut(&["report", "out.html"], "", with_store, |image, has_ended| match fs::read_to_string(image.join("out.html")) {
        Ok(page) => assert!(page.trim_end().ends_with("</html>")),
        Err(_) => assert!(!has_ended, "it is gone"),
    });
}
