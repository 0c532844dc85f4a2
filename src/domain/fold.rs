//! The one form in which texts are searched and sorted, whatever the database knows of letters.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

/// The two dots that make an е an ё.
const DIAERESIS: char = '\u{308}';
/// The Cyrillic е.
const IE: char = '\u{435}';

/// A text as it is searched and sorted: without capitals, in one spelling (NFKC), with ё as е; other accents stay.
///
/// Folding twice changes nothing, and two texts that differ only in case or in how their letters are composed are folded to one.
/// What is stored was folded by this function too, so a change of it needs a migration that folds all rows anew.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    // Down, up and down again, letter by letter: ẞ and ß both become ss, and a ς at the end of a word is a σ.
    let small = text.nfkd().flat_map(char::to_lowercase).flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    let mut marks_ie = false;
    // Decomposed once more: some letters have their marks in the small form only.
    let kept = small.nfkd().filter(|letter| {
        if canonical_combining_class(*letter) == 0 {
            marks_ie = *letter == IE;
            return true;
        }
        !(marks_ie && *letter == DIAERESIS)
    });
    kept.nfkc().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_are_folded_as_the_table_says() {
        let table = [
            ("", ""),
            ("Winter SALE_50%", "winter sale_50%"),
            ("Анна", "анна"),
            ("ЁЛКА", "елка"),
            ("е\u{308}ж", "еж"),
            ("е\u{323}\u{308}\u{308}ж", "е\u{323}ж"),
            ("Йод", "йод"),
            ("Їжак", "їжак"),
            ("MÜNCHEN", "münchen"),
            ("Mu\u{308}nchen", "münchen"),
            ("ÉCOLE", "école"),
            ("STRASSE", "strasse"),
            ("Straße", "strasse"),
            ("STRAẞE", "strasse"),
            ("ΟΔΟΣ", "οδοσ"),
            ("οδος", "οδοσ"),
            ("ﬁn", "fin"),
            ("ＡＢＣ１", "abc1"),
            ("ДЕЛО №5", "дело no5"),
            ("ĲSSEL", "ijssel"),
            ("Ǆ", "dž"),
            ("日本語", "日本語"),
            ("ガ", "ガ"),
            ("한국", "한국"),
            ("a😀B", "a😀b"),
        ];
        for (text, folded) in table {
            assert_eq!(fold(text), folded, "{text}");
        }
        assert_ne!(fold("resume"), fold("résumé"), "accents stay");
        assert_ne!(fold("и"), fold("й"), "й is a letter of its own");
    }

    #[test]
    fn each_letter_folds_to_one_form_in_any_case() {
        // Beyond the first two planes nothing has cases, and of what is composed there is one block.
        for letter in (char::MIN..='\u{1ffff}').chain('\u{2f800}'..='\u{2fa1f}') {
            let folded = fold(&letter.to_string());
            assert_eq!(fold(&folded), folded, "{letter:?} twice");
            assert_eq!(fold(&letter.to_uppercase().to_string()), folded, "{letter:?} in capitals");
            assert_eq!(fold(&letter.to_lowercase().to_string()), folded, "{letter:?} in small letters");
            assert_eq!(fold(&letter.nfd().to_string()), folded, "{letter:?} decomposed");
        }
    }

    /// Letters of the languages that Herald's users write, with their marks, and some that are known for trouble.
    const LETTERS: &str = "[a-zA-Z0-9 À-žƀ-ɏΑ-ώЀ-ӿԱ-ֆა-ჿẀ-ỹ\u{300}-\u{304}\u{306}-\u{30c}ßẞıİſǰﬀ-ﬆΰ_%😀]{0,24}";

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in any::<String>()) {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }

        #[test]
        fn case_and_composition_do_not_matter(text in LETTERS) {
            let folded = fold(&text);
            prop_assert_eq!(&fold(&text.to_uppercase()), &folded);
            prop_assert_eq!(&fold(&text.to_lowercase()), &folded);
            prop_assert_eq!(&fold(&text.nfc().to_string()), &folded);
            prop_assert_eq!(&fold(&text.nfd().to_string()), &folded);
        }
    }
}
