//! Makes a failing script smaller: steps and requests are left out, one by one, as long as it still fails.

use super::script::Script;

/// How many scripts are tried at the most: a bound, so that a slow failure is reported all the same.
const TRIES: usize = 5000;

/// The smallest script that was found to fail.
pub fn shrink(script: Script, fails: impl Fn(&Script) -> bool) -> Script {
    let mut best = script;
    let mut tries = 0;
    loop {
        let before = size(&best);
        let candidates = |script: &Script| {
            script.steps.len() + script.clients.iter().map(|c| c.requests.len()).sum::<usize>()
        };
        let mut nth = candidates(&best);
        while nth > 0 && tries < TRIES {
            nth -= 1;
            tries += 1;
            let smaller = without(&best, nth);
            if fails(&smaller) {
                best = smaller;
            }
        }
        if size(&best) == before || tries >= TRIES {
            return best;
        }
    }
}

fn size(script: &Script) -> (usize, usize) {
    (script.steps.len(), script.clients.iter().map(|client| client.requests.len()).sum())
}

/// The script without its `nth` step or, beyond the steps, request.
fn without(script: &Script, nth: usize) -> Script {
    let mut smaller = script.clone();
    if nth < smaller.steps.len() {
        smaller.steps.remove(nth);
        return smaller;
    }
    let mut nth = nth - smaller.steps.len();
    for client in &mut smaller.clients {
        if nth < client.requests.len() {
            client.requests.remove(nth);
            break;
        }
        nth -= client.requests.len();
    }
    smaller
}
