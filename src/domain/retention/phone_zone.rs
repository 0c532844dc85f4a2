//! The time zone of a phone number, where its country code leaves no doubt.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// The regions in which there is one clock only, each with its zone. Those that share a country code and a clock have the same one here.
const ZONES: &str = "\
    AD Europe/Andorra|AE Asia/Dubai|AF Asia/Kabul|AG America/Antigua|AI America/Anguilla|AL Europe/Tirane|\
    AM Asia/Yerevan|AO Africa/Luanda|AR America/Argentina/Buenos_Aires|AS Pacific/Pago_Pago|AT Europe/Vienna|\
    AW America/Aruba|AX Europe/Helsinki|AZ Asia/Baku|BA Europe/Sarajevo|BB America/Barbados|BD Asia/Dhaka|\
    BE Europe/Brussels|BF Africa/Ouagadougou|BG Europe/Sofia|BH Asia/Bahrain|BI Africa/Bujumbura|\
    BJ Africa/Porto-Novo|BL America/Guadeloupe|BM Atlantic/Bermuda|BN Asia/Brunei|BO America/La_Paz|\
    BQ America/Curacao|BS America/Nassau|BT Asia/Thimphu|BW Africa/Gaborone|BY Europe/Minsk|BZ America/Belize|\
    CC Indian/Cocos|CF Africa/Bangui|CG Africa/Brazzaville|CH Europe/Zurich|CI Africa/Abidjan|CK Pacific/Rarotonga|\
    CM Africa/Douala|CO America/Bogota|CR America/Costa_Rica|CU America/Havana|CV Atlantic/Cape_Verde|\
    CW America/Curacao|CX Indian/Christmas|CY Asia/Nicosia|CZ Europe/Prague|DE Europe/Berlin|DJ Africa/Djibouti|\
    DK Europe/Copenhagen|DM America/Dominica|DO America/Santo_Domingo|DZ Africa/Algiers|EE Europe/Tallinn|\
    EG Africa/Cairo|EH Africa/Casablanca|ER Africa/Asmara|ET Africa/Addis_Ababa|FI Europe/Helsinki|FJ Pacific/Fiji|\
    FK Atlantic/Stanley|FO Atlantic/Faroe|FR Europe/Paris|GA Africa/Libreville|GB Europe/London|GD America/Grenada|\
    GE Asia/Tbilisi|GF America/Cayenne|GG Europe/London|GH Africa/Accra|GI Europe/Gibraltar|GM Africa/Banjul|\
    GN Africa/Conakry|GP America/Guadeloupe|GQ Africa/Malabo|GR Europe/Athens|GT America/Guatemala|GU Pacific/Guam|\
    GW Africa/Bissau|GY America/Guyana|HK Asia/Hong_Kong|HN America/Tegucigalpa|HR Europe/Zagreb|\
    HT America/Port-au-Prince|HU Europe/Budapest|IE Europe/Dublin|IL Asia/Jerusalem|IM Europe/London|\
    IN Asia/Kolkata|IO Indian/Chagos|IQ Asia/Baghdad|IR Asia/Tehran|IS Atlantic/Reykjavik|IT Europe/Rome|\
    JE Europe/London|JM America/Jamaica|JO Asia/Amman|JP Asia/Tokyo|KE Africa/Nairobi|KG Asia/Bishkek|\
    KH Asia/Phnom_Penh|KM Indian/Comoro|KN America/St_Kitts|KP Asia/Pyongyang|KR Asia/Seoul|KW Asia/Kuwait|\
    KY America/Cayman|KZ Asia/Almaty|LA Asia/Vientiane|LB Asia/Beirut|LC America/St_Lucia|LI Europe/Vaduz|\
    LK Asia/Colombo|LR Africa/Monrovia|LS Africa/Maseru|LT Europe/Vilnius|LU Europe/Luxembourg|LV Europe/Riga|\
    LY Africa/Tripoli|MA Africa/Casablanca|MC Europe/Monaco|MD Europe/Chisinau|ME Europe/Podgorica|\
    MF America/Guadeloupe|MG Indian/Antananarivo|MH Pacific/Majuro|MK Europe/Skopje|ML Africa/Bamako|MM Asia/Yangon|\
    MO Asia/Macau|MP Pacific/Saipan|MQ America/Martinique|MR Africa/Nouakchott|MS America/Montserrat|\
    MT Europe/Malta|MU Indian/Mauritius|MV Indian/Maldives|MW Africa/Blantyre|MY Asia/Kuala_Lumpur|MZ Africa/Maputo|\
    NA Africa/Windhoek|NC Pacific/Noumea|NE Africa/Niamey|NF Pacific/Norfolk|NG Africa/Lagos|NI America/Managua|\
    NL Europe/Amsterdam|NO Europe/Oslo|NP Asia/Kathmandu|NR Pacific/Nauru|NU Pacific/Niue|OM Asia/Muscat|\
    PA America/Panama|PE America/Lima|PH Asia/Manila|PK Asia/Karachi|PL Europe/Warsaw|PM America/Miquelon|\
    PR America/Puerto_Rico|PS Asia/Gaza|PW Pacific/Palau|PY America/Asuncion|QA Asia/Qatar|RE Indian/Reunion|\
    RO Europe/Bucharest|RS Europe/Belgrade|RW Africa/Kigali|SA Asia/Riyadh|SB Pacific/Guadalcanal|SC Indian/Mahe|\
    SD Africa/Khartoum|SE Europe/Stockholm|SG Asia/Singapore|SH Atlantic/St_Helena|SI Europe/Ljubljana|\
    SJ Europe/Oslo|SK Europe/Bratislava|SL Africa/Freetown|SM Europe/San_Marino|SN Africa/Dakar|SO Africa/Mogadishu|\
    SR America/Paramaribo|SS Africa/Juba|ST Africa/Sao_Tome|SV America/El_Salvador|SX America/Lower_Princes|\
    SY Asia/Damascus|SZ Africa/Mbabane|TC America/Grand_Turk|TD Africa/Ndjamena|TG Africa/Lome|TH Asia/Bangkok|\
    TJ Asia/Dushanbe|TK Pacific/Fakaofo|TL Asia/Dili|TM Asia/Ashgabat|TN Africa/Tunis|TO Pacific/Tongatapu|\
    TR Europe/Istanbul|TT America/Port_of_Spain|TV Pacific/Funafuti|TW Asia/Taipei|TZ Africa/Dar_es_Salaam|\
    UG Africa/Kampala|UY America/Montevideo|UZ Asia/Samarkand|VA Europe/Rome|VC America/St_Vincent|\
    VE America/Caracas|VG America/Tortola|VI America/St_Thomas|VN Asia/Ho_Chi_Minh|VU Pacific/Efate|\
    WF Pacific/Wallis|WS Pacific/Apia|YE Asia/Aden|YT Indian/Mayotte|ZA Africa/Johannesburg|ZM Africa/Lusaka|\
    ZW Africa/Harare";

/// The zones of country codes.
static BY_CODE: LazyLock<HashMap<u16, &'static str>> = LazyLock::new(|| {
    let zones: HashMap<&str, &'static str> = ZONES.split('|').filter_map(|line| line.split_once(' ')).collect();
    let of_code = |code: u16| {
        let regions = phonenumber::metadata::DATABASE.by_code(&code)?;
        let found: HashSet<Option<&&'static str>> = regions.iter().map(|region| zones.get(region.id())).collect();
        match found.into_iter().collect::<Vec<_>>()[..] {
            [Some(zone)] => Some((code, *zone)),
            _ => None,
        }
    };
    (1..1_000).filter_map(of_code).collect()
});

/// The zone of a number in E.164, if all regions that its country code may mean have the same one. Nothing is known of the United States,
/// of Russia, or of Spain with its islands.
pub fn of(phone: &str) -> Option<&'static str> {
    let digits = phone.strip_prefix('+')?;
    // No country code is the beginning of another one.
    (1..=3).find_map(|length| BY_CODE.get(&digits.get(..length)?.parse().ok()?).copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_a_zone_where_its_country_has_one() {
        for (phone, zone) in [
            ("+4915123456789", "Europe/Berlin"),
            ("+447700900123", "Europe/London"),
            ("+4741234567", "Europe/Oslo"),
            ("+358401234567", "Europe/Helsinki"),
            ("+390612345678", "Europe/Rome"),
            ("+919876543210", "Asia/Kolkata"),
            ("+819012345678", "Asia/Tokyo"),
            ("+77012345678", ""),
            ("+14155552671", ""),
            ("+79161234567", ""),
            ("+61412345678", ""),
            ("+34612345678", ""),
            ("+262692123456", ""),
            ("+80012345678", ""),
            ("nonsense", ""),
        ] {
            assert_eq!(of(phone).unwrap_or_default(), zone, "{phone}");
        }
    }

    #[test]
    fn each_zone_is_one_that_sequences_know() {
        for line in ZONES.split('|') {
            let (region, zone) = line.split_once(' ').unwrap();
            assert!(region.len() == 2 && zone.parse::<chrono_tz::Tz>().is_ok(), "{line}");
        }
    }
}
