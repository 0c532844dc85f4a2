//! How a fleet shares out what one or two of its processes do as well as all of them: each reckons by itself who they are, and all
//! come to the same.

use std::hash::{DefaultHasher, Hash, Hasher};

/// Whether `mine` is among the `wanted` processes of `all` that look after `thing`. Who joins or leaves moves few things, and things
/// spread evenly over the fleet. Where `all` does not have `mine`, it is added.
pub fn is_chosen<P: Hash + Ord, T: Hash>(mine: &P, all: &[P], thing: &T, wanted: usize) -> bool {
    let weight = |process: &P| {
        let mut hasher = DefaultHasher::new();
        (thing, process).hash(&mut hasher);
        hasher.finish()
    };
    let own = (weight(mine), mine);
    all.iter().filter(|process| (weight(process), *process) > own).count() < wanted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn two_of_ten_are_chosen_for_each_and_everybody_has_his_share() {
        let fleet: Vec<u32> = (0..10).collect();
        let mut shares = [0; 10];
        for thing in 0..1_000_u32 {
            let chosen: Vec<u32> = fleet.iter().copied().filter(|mine| is_chosen(mine, &fleet, &thing, 2)).collect();
            assert_eq!(chosen.len(), 2, "{thing}");
            for one in chosen {
                shares[one as usize] += 1;
            }
        }
        assert!(shares.iter().all(|share| (150..250).contains(share)), "{shares:?}");
    }

    proptest! {
        #[test]
        fn as_many_are_chosen_as_are_wanted_and_there(fleet in prop::collection::btree_set(any::<u64>(), 1..20), thing: u64, wanted in 1_usize..5) {
            let fleet: Vec<u64> = fleet.into_iter().collect();
            let chosen = fleet.iter().filter(|mine| is_chosen(*mine, &fleet, &thing, wanted)).count();
            prop_assert_eq!(chosen, wanted.min(fleet.len()));
        }

        #[test]
        fn who_leaves_moves_nobody_else_away(fleet in prop::collection::btree_set(any::<u64>(), 2..20), thing: u64) {
            let fleet: Vec<u64> = fleet.into_iter().collect();
            let rest = &fleet[1..];
            for one in rest {
                prop_assert!(!is_chosen(one, &fleet, &thing, 2) || is_chosen(one, rest, &thing, 2));
            }
        }
    }
}
