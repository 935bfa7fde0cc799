//! Text is indexed beside a writer when enough contacts are dirty.

use headcount::internals::schema::FieldType;
use headcount::internals::value::{Instant, Urn};
use headcount::internals::workspace::{ContactPatch, FieldInput, Settings, Workspace};

fn put(workspace: &Workspace, now: Instant, numbers: std::ops::Range<u32>) {
    let done = workspace.write(now, |batch| {
        for number in numbers {
            let urn = Urn::parse(&format!("tel:+2507883{number:05}")).unwrap();
            let fields = vec![("note".into(), Some(format!("a boat of number {number}").into()))];
            batch.put(&ContactPatch { urns: Some(vec![urn]), fields, ..ContactPatch::default() })?;
        }
        Ok(())
    });
    done.unwrap();
}

#[test]
fn text_is_indexed_past_a_threshold() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::create(&folder.path().join("store"), &Settings::default()).unwrap();
    let now = Instant::parse("2026-06-15T12:00:00Z").unwrap();
    let field = FieldInput { key: "note".to_owned(), name: None, kind: FieldType::Text };
    workspace.write(now, |batch| batch.add_field(&field)).unwrap();
    let dirty = || workspace.reader(now).unwrap().stats().unwrap().dirty;

    put(&workspace, now, 0..20);
    assert_eq!((workspace.background_runs(), dirty()), ((0, None), 20), "nobody asked for it");
    workspace.index_in_background(Some(30)).unwrap();
    put(&workspace, now, 20..30);
    assert_eq!((workspace.background_runs(), dirty()), ((0, None), 30), "not more than the threshold");
    put(&workspace, now, 30..31);
    assert_eq!((workspace.background_runs(), dirty()), ((1, None), 0));
    put(&workspace, now, 31..40);
    assert_eq!((workspace.background_runs(), dirty()), ((1, None), 9));
    assert_eq!(workspace.reader(now).unwrap().count("note ~ \"boat\" AND note ~ number").unwrap(), 40);
    assert!(workspace.reader(now).unwrap().check().unwrap().is_sound());

    workspace.index_in_background(None).unwrap();
    put(&workspace, now, 40..80);
    assert_eq!((workspace.background_runs(), dirty()), ((0, None), 49));
}
