//! A short run of what the fuzz targets do: seeds of each kind, then with bytes changed, cut, doubled and mixed.

mod bodies;

use std::fs;
use std::path::Path;

/// Whole numbers that look random, the same for the same place.
fn draw(place: u64, below: usize) -> usize {
    let mut z = place.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) % below.max(1) as u64) as usize
}

/// Pieces that mean something to one of the readers.
const PIECES: [&[u8]; 16] = [
    b"\"",
    b"{",
    b"}",
    b"[",
    b",",
    b"\n",
    b"\\u0000",
    b"null",
    b"1e999",
    b"\xff\xfe",
    b"--",
    b"@(",
    b"))",
    b"\0",
    b"urns",
    b"2026-02-30T25:00:00Z",
];

fn spoil(seed: &[u8], place: u64) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for edit in 0..1 + draw(place, 4) as u64 {
        let place = place << 8 | edit << 4;
        let at = draw(place + 1, bytes.len() + 1);
        match draw(place + 2, 5) {
            0 => bytes.truncate(at),
            1 => drop(bytes.splice(at..at, PIECES[draw(place + 3, PIECES.len())].iter().copied())),
            2 => {
                let end = (at + draw(place + 3, 40)).min(bytes.len());
                bytes.drain(at..end);
            }
            3 => {
                let end = (at + draw(place + 3, 80)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = draw(place + 3, 256) as u8;
                }
            }
        }
    }
    bytes
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let text = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/demo").join(name)).unwrap();
    text.split(|&byte| byte == b'\n').take(60).map(<[u8]>::to_vec).collect()
}

fn run(seeds: &[Vec<u8>], times: u64, body: fn(&[u8])) {
    for (at, seed) in seeds.iter().enumerate() {
        body(seed);
        (0..times).for_each(|turn| body(&spoil(seed, (at as u64) << 20 | turn << 3)));
    }
    bodies::finish();
}

#[test]
fn any_file_of_contacts_is_read_or_refused() {
    let mut seeds = corpus("contacts.jsonl");
    let page = [b"{\"next\": null, \"results\": [".to_vec(), seeds[..3].join(&b','), b"]}".to_vec()].concat();
    let sheet =
        "UUID,Name,URN:tel,Field:age,Group:Friends,Created On\n,Ann,0788,17,true,2026-06-01\n,\"B \"\"o\",,--,,\n";
    let workbook =
        fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hardship/hostile/contacts.xlsx")).unwrap();
    seeds.extend([page, sheet.as_bytes().to_vec(), sheet.replace(',', ";").into_bytes(), workbook]);
    run(&seeds, 8, bodies::contacts);
}

#[test]
fn any_stream_of_changes_is_read_or_refused() {
    let mut seeds = corpus("changes.jsonl");
    // Enough of them are applied in parallel.
    seeds.push(seeds.join(&b'\n'));
    run(&seeds, 8, bodies::changes);
}

#[test]
fn any_template_is_filled_in_or_refused() {
    let seeds = [
        "Hi @contact.first_name, you are in @(count(contact.groups)) groups. @@ @fields.age @contact.urn @urns.tel",
        "@(if(fields.age > 17, upper(contact.name) & \"!\", \"\"))@contact.tel",
        "@(join(contact.groups, \", \"))@(((1)))",
    ];
    run(&seeds.map(|seed| seed.as_bytes().to_vec()), 300, bodies::template);
}
