//! A browser that is driven over WebDriver, where there is one.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::read_answer;

/// The key under which WebDriver names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

pub(crate) struct Browser {
    driver: Child,
    port: u16,
    session: String,
}

impl Browser {
    /// Starts one; nothing, and a word about it, if there is none.
    pub(crate) fn start() -> Option<Browser> {
        let started = Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let Ok(mut driver) = started else {
            eprintln!("skipped: there is no chromedriver; `.ci/run` installs Debian's chromium-driver");
            return None;
        };
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = loop {
            let line = lines.next().unwrap().unwrap();
            if let Some((_, rest)) = line.split_once("started successfully on port ") {
                break rest.trim_end_matches('.').parse().unwrap();
            }
        };
        std::thread::spawn(move || lines.for_each(drop));
        let mut browser = Browser { driver, port, session: String::new() };
        let arguments =
            ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1440,900"];
        let wanted = json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": {"args": arguments}}}});
        let made = browser.send("POST", "/session", Some(wanted));
        browser.session = made["sessionId"].as_str().unwrap_or_else(|| panic!("no browser: {made}")).to_owned();
        Some(browser)
    }

    fn send(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        read_answer(&mut BufReader::new(stream)).json()["value"].clone()
    }

    fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        self.send(method, &format!("/session/{}{path}", self.session), body)
    }

    pub(crate) fn open(&self, url: &str) {
        self.ask("POST", "/url", Some(json!({"url": url})));
    }

    pub(crate) fn address(&self) -> String {
        self.ask("GET", "/url", None).as_str().unwrap().to_owned()
    }

    /// What a piece of script gives.
    pub(crate) fn run(&self, script: &str) -> Value {
        self.ask("POST", "/execute/sync", Some(json!({"script": script, "args": []})))
    }

    fn element(&self, selector: &str) -> String {
        let found = self.ask("POST", "/element", Some(json!({"using": "css selector", "value": selector})));
        found[ELEMENT].as_str().unwrap_or_else(|| panic!("{selector}: {found}")).to_owned()
    }

    pub(crate) fn click(&self, selector: &str) {
        let clicked = self.ask("POST", &format!("/element/{}/click", self.element(selector)), Some(json!({})));
        assert!(clicked.is_null(), "{selector}: {clicked}");
    }

    /// Types as a person does, key by key.
    pub(crate) fn type_into(&self, selector: &str, text: &str) {
        let element = self.element(selector);
        self.ask("POST", &format!("/element/{element}/value"), Some(json!({"text": text})));
    }

    /// Keys where the focus is.
    pub(crate) fn press(&self, keys: &[&str]) {
        let actions: Vec<Value> = keys
            .iter()
            .flat_map(|key| [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})])
            .collect();
        self.ask("POST", "/actions", Some(json!({"actions": [{"type": "key", "id": "keys", "actions": actions}]})));
    }

    pub(crate) fn clear(&self, selector: &str) {
        self.run(&format!(
            "const box = document.querySelector({}); box.value = ''; box.dispatchEvent(new Event('input'));",
            json!(selector)
        ));
    }

    /// The text of the first element; nothing if there is none.
    pub(crate) fn text(&self, selector: &str) -> String {
        let text = self
            .run(&format!("const at = document.querySelector({}); return at ? at.textContent : '';", json!(selector)));
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until something is so.
    pub(crate) fn until(&self, what: &str, is_so: impl Fn(&Browser) -> bool) {
        let began = Instant::now();
        while !is_so(self) {
            let page = self.text("main");
            assert!(began.elapsed() < Duration::from_secs(40), "{what}; the page says: {page}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub(crate) fn size(&self, width: u32, height: u32) {
        self.ask("POST", "/window/rect", Some(json!({"width": width, "height": height})));
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            self.ask("DELETE", "", None);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
