//! Generates the parser from the grammar, into `OUT_DIR`.

use std::error::Error;
use std::process::Command;

/// Set in the child process that generates.
const GENERATING: &str = "HEADCOUNT_GENERATING";

/// The generator reads from its environment which tables to build, and a process cannot set its own environment
/// safely: so this program runs itself once more with the variable set.
///
/// With the default lane tables, syntax errors leave out some of the expected tokens; full LR(1) names them all.
fn main() -> Result<(), Box<dyn Error>> {
    if std::env::var_os(GENERATING).is_some() {
        return lalrpop::Configuration::new()
            .set_in_dir("grammar")
            .set_out_dir(std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?)
            .process();
    }
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=grammar/contactql.lalrpop");
    let status =
        Command::new(std::env::current_exe()?).env(GENERATING, "1").env("LALRPOP_LANE_TABLE", "disabled").status()?;
    if !status.success() {
        return Err("the parser could not be generated from grammar/contactql.lalrpop".into());
    }
    Ok(())
}
