//! Chromium without a window: it loads a page from a file, and tells what came of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;

/// How a page is looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    pub(crate) width: u32,
    pub(crate) dark: bool,
}

/// What a browser made of a page.
#[derive(Debug, Deserialize)]
pub(crate) struct Seen {
    pub(crate) width: u32,
    pub(crate) scroll_width: u32,
    pub(crate) height: u32,
    pub(crate) dark: bool,
    /// What was fetched besides the page.
    pub(crate) resources: usize,
    /// Pairs of labels in pictures that lie on each other.
    pub(crate) overlapping: Vec<String>,
    /// What reaches beyond the card that it is in.
    pub(crate) sticking_out: Vec<String>,
    /// Of any text against the ground that it is on.
    pub(crate) least_contrast: f64,
    /// The title when everything had been loaded.
    pub(crate) title: String,
}

const MEASURE: &str = include_str!("measure.js");

pub(crate) struct Browser {
    program: PathBuf,
    folder: tempfile::TempDir,
}

impl Browser {
    /// `None`, said on standard error, if there is none.
    pub(crate) fn find() -> Option<Self> {
        let told = std::env::var_os("HEADCOUNT_CHROMIUM").map(PathBuf::from);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let known = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
        let on_path = std::env::split_paths(&path).flat_map(|folder| known.map(|name| folder.join(name)));
        let program = told.into_iter().chain(on_path).find(|program| program.is_file());
        if program.is_none() {
            eprintln!("SKIPPED: there is no Chromium; `apt-get install chromium`, or name one in HEADCOUNT_CHROMIUM");
        }
        Some(Browser { program: program?, folder: tempfile::tempdir().unwrap() })
    }

    /// What the browser prints and says when it is told to do something with a page.
    fn run(&self, page: &Path, View { width, dark }: View, height: u32, order: &str) -> (String, String) {
        let [output, errors] = ["output", "errors"].map(|name| self.folder.path().join(name));
        let mut command = Command::new(&self.program);
        command.args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
        ]);
        command.args([
            "--no-first-run",
            "--disable-extensions",
            "--disable-background-networking",
            "--enable-logging=stderr",
        ]);
        // Whatever it asks for, no name resolves.
        command.arg("--host-resolver-rules=MAP * ~NOTFOUND");
        command.arg(format!("--user-data-dir={}", self.folder.path().join("profile").display()));
        command.arg(format!("--window-size={width},{height}"));
        if dark {
            command.arg("--force-dark-mode");
        }
        command.arg(order).arg(format!("file://{}", page.display())).stdin(Stdio::null());
        command.stdout(fs::File::create(&output).unwrap()).stderr(fs::File::create(&errors).unwrap());
        let mut child = command.spawn().unwrap();
        let begun = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if begun.elapsed() > Duration::from_secs(90) {
                child.kill().unwrap();
                panic!("{order} did not end: {}", fs::read_to_string(errors).unwrap());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let read = |path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
        (read(output), read(errors))
    }

    /// The document after loading, and what the page said meanwhile.
    pub(crate) fn dump(&self, page: &Path, view: View) -> (String, Vec<String>) {
        let (dom, errors) = self.run(page, view, 900, "--dump-dom");
        let console = errors.lines().filter(|line| line.contains("CONSOLE")).map(str::to_owned).collect();
        (dom, console)
    }

    /// What a copy of the page says of itself in frames of these widths: windows have a least width, frames do not.
    pub(crate) fn measure(&self, page: &Path, dark: bool, widths: &[u32]) -> Vec<Seen> {
        let text = fs::read_to_string(page).unwrap();
        let (before, policy) = text.split_once("<meta http-equiv=\"Content-Security-Policy\"").unwrap();
        let (_, after) = policy.split_once('>').unwrap();
        let script = format!("<script>{MEASURE}</script></body>");
        let copy = self.folder.path().join("measured.html");
        fs::write(copy, format!("<!DOCTYPE html>{before}{after}").replace("</body>", &script)).unwrap();
        let mut frames = "<!DOCTYPE html><html style=\"color-scheme: light dark\"><body>".to_owned();
        frames.push_str("<script>addEventListener('message', ({data}) => {\n");
        frames.push_str(
            "document.body.append(Object.assign(document.createElement('pre'), {textContent: data}))});</script>",
        );
        for width in widths {
            frames.push_str(&format!(
                "<iframe src=\"measured.html\" width=\"{width}\" height=\"900\" style=\"border: 0\"></iframe>"
            ));
        }
        let all = self.folder.path().join("frames.html");
        fs::write(&all, frames).unwrap();
        let (dom, _) = self.dump(&all, View { width: 1400, dark });
        let measured = dom.split("<pre>").skip(1).map(|rest| {
            let json = rest.split("</pre>").next().unwrap();
            let json = json.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", "\u{a0}").replace("&amp;", "&");
            serde_json::from_str(&json).unwrap()
        });
        let mut seen: Vec<Seen> = measured.collect();
        assert_eq!(seen.len(), widths.len(), "not every frame has answered: {dom}");
        seen.sort_by_key(|seen| seen.width);
        seen
    }

    /// A picture of the page's upper part, as PNG.
    pub(crate) fn picture(&self, page: &Path, view: View, height: u32) -> Vec<u8> {
        let picture = self.folder.path().join("picture.png");
        self.run(page, view, height, &format!("--screenshot={}", picture.display()));
        fs::read(picture).unwrap()
    }
}
