//! The house rules, as tests. Each rule is a function from a tree of files to complaints; it is held against this checkout, and,
//! beside its definition, against a bad sample, so that no rule can silently do nothing.

mod code;
mod documents;
mod edges;
mod text;
mod tree;

use tree::{Complaint, Tree};

/// Fails with every complaint there is, one a line.
#[track_caller]
fn hold(rule: &str, complaints: Vec<Complaint>) {
    let lines: Vec<String> = complaints.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{rule}:\n  {}\n", lines.join("\n  "));
}

macro_rules! rules {
    ($($name:ident: $rule:path, $says:literal;)*) => {$(
        #[test]
        fn $name() {
            hold($says, $rule(&Tree::of_this_checkout()));
        }
    )*};
}

rules! {
    files_are_short: text::too_long, "no source file has more than 400 lines: split it by idea";
    no_path_of_a_machine: text::machine_paths, "the project names no path of the machine it was written on";
    no_host_of_a_registry: text::registry_hosts, "packages are named, not the hosts they come from";
    no_word_of_the_workshop: text::workshop_words, "the project speaks of itself, not of who or what typed it";
    names_say_what_a_thing_is: code::empty_names, "no Manager, Helper, Util or Info: say what it does";
    the_clock_is_passed_in: code::clock_reads, "only the rim reads the clock; take a `herleid_vocab::rim::Clock`";
    randomness_is_passed_in: code::randomness, "only the rim makes randomness; take a `herleid_vocab::rim::Entropy`";
    nothing_is_left_to_do: code::stubs, "no stubs: answer with a clear error, or leave it out";
    no_test_is_ignored: code::ignored_tests, "a test that is ignored says why";
    no_code_is_unsafe: code::unsafe_code, "no unsafe code";
    no_shared_material_behind_the_back: code::shared_material,
        "others' material is found by `herleid_vocab::reference::find`, so that a skip is counted";
    inner_crates_open_no_socket: edges::sockets, "only the connector opens sockets";
    the_map_draws_every_edge: edges::undrawn, "crates depend on what ARCHITECTURE.md draws, and on nothing else of ours";
    every_crate_keeps_the_lints: edges::lints, "every crate forbids unsafe code and inherits the workspace's lints";
    decisions_are_short_dated_and_numbered: documents::decisions, "a decision is dated, numbered, and under a page";
    links_lead_somewhere: documents::links, "relative links resolve";
    the_house_is_complete: documents::house, "the files that everybody looks for are there";
}

#[test]
fn commands_of_the_readme_exist() {
    let tree = Tree::of_this_checkout();
    hold(
        "the README's commands exist",
        documents::commands(&tree, &documents::runs_help),
    );
}
