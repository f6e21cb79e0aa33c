//! The light generator as a program: `load 127.0.0.1:8080 --connections 64 --seconds 2 --server PID`.

use std::process::ExitCode;

use peers::load::plan::{Plan, Work};
use peers::load::{flow, fresh, hold};

fn main() -> ExitCode {
    // A descriptor for each connection.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let plan = match Plan::read() {
        Ok(plan) => plan,
        Err(error) => {
            eprintln!(
                "{error} (hint: load ADDR [--path P] [--body N] [--connections N] [--depth N] [--rate N | --fresh | \
                 --fresh-rate N | --hold] [--warm-up S] [--seconds S | --count N] [--server PID])"
            );
            return ExitCode::from(2);
        }
    };
    let report = match plan.work {
        Work::Flat | Work::Rate(_) => flow::run(&plan).map(|report| println!("{}", report.line())),
        Work::Fresh | Work::FreshRate(_) => fresh::run(&plan).map(|report| println!("{}", report.line())),
        Work::Hold => hold::run(&plan),
    };
    if let Err(error) = report {
        eprintln!("{error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
