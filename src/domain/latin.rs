//! Names in the letters of ASCII, so that a user's name can be typed on any keyboard.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

/// Letters that are no letter of ASCII with a mark, and how they are written.
const LETTERS: [(char, &str); 82] = [
    ('а', "a"),
    ('б', "b"),
    ('в', "v"),
    ('г', "g"),
    ('д', "d"),
    ('е', "e"),
    ('ж', "zh"),
    ('з', "z"),
    ('и', "i"),
    ('к', "k"),
    ('л', "l"),
    ('м', "m"),
    ('н', "n"),
    ('о', "o"),
    ('п', "p"),
    ('р', "r"),
    ('с', "s"),
    ('т', "t"),
    ('у', "u"),
    ('ф', "f"),
    ('х', "kh"),
    ('ц', "ts"),
    ('ч', "ch"),
    ('ш', "sh"),
    ('щ', "shch"),
    ('ъ', ""),
    ('ы', "y"),
    ('ь', ""),
    ('э', "e"),
    ('ю', "yu"),
    ('я', "ya"),
    ('і', "i"),
    ('є', "ye"),
    ('ґ', "g"),
    ('ђ', "dj"),
    ('ј', "j"),
    ('љ', "lj"),
    ('њ', "nj"),
    ('ћ', "c"),
    ('џ', "dz"),
    ('ѕ', "dz"),
    ('қ', "q"),
    ('ғ', "g"),
    ('ң', "n"),
    ('ә', "a"),
    ('α', "a"),
    ('β', "v"),
    ('γ', "g"),
    ('δ', "d"),
    ('ε', "e"),
    ('ζ', "z"),
    ('η', "i"),
    ('θ', "th"),
    ('ι', "i"),
    ('κ', "k"),
    ('λ', "l"),
    ('μ', "m"),
    ('ν', "n"),
    ('ξ', "x"),
    ('ο', "o"),
    ('π', "p"),
    ('ρ', "r"),
    ('σ', "s"),
    ('ς', "s"),
    ('τ', "t"),
    ('υ', "y"),
    ('φ', "f"),
    ('χ', "ch"),
    ('ψ', "ps"),
    ('ω', "o"),
    ('ß', "ss"),
    ('æ', "ae"),
    ('œ', "oe"),
    ('ø', "o"),
    ('đ', "d"),
    ('ð', "d"),
    ('ł', "l"),
    ('þ', "th"),
    ('ı', "i"),
    ('ħ', "h"),
    ('ŋ', "n"),
    ('ə', "a"),
];

/// A name in small letters of ASCII, digits, dots, `_` and `-`: Cyrillic, Greek and accented letters are written as people write
/// them there, letters of other scripts are left out, and all that stands between words is one `-`. It may be empty.
pub fn latin(name: &str) -> String {
    let mut written = String::with_capacity(name.len());
    for letter in name.nfkd().flat_map(char::to_lowercase) {
        if letter.is_ascii_alphanumeric() || "._-".contains(letter) {
            written.push(letter);
        } else if let Some((_, known)) = LETTERS.iter().find(|(known, _)| *known == letter) {
            written.push_str(known);
        } else if canonical_combining_class(letter) == 0 && !letter.is_alphanumeric() {
            written.push('-');
        }
    }
    let words = written.split('-').filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_people_write_them() {
        for (name, written) in [
            ("anna", "anna"),
            ("Anna.Smith_1", "anna.smith_1"),
            ("anna@example", "anna-example"),
            ("Анна Иванова", "anna-ivanova"),
            ("Сергей Щукин-Ёлкин", "sergei-shchukin-elkin"),
            ("Юлія Ґудзь", "yuliya-gudz"),
            ("JÖRG  Groß", "jorg-gross"),
            ("Łukasz Ñandú", "lukasz-nandu"),
            ("Σωκράτης", "sokratis"),
            ("王伟", ""),
            ("王 Wei", "wei"),
            ("--", ""),
            ("😀", ""),
        ] {
            assert_eq!(latin(name), written, "{name}");
        }
    }
}
