//! What people call the columns of their sheets, in the languages that they write.

use std::borrow::Cow;

/// What the name of a column says it holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    Name,
    FirstName,
    MiddleName,
    LastName,
    Phone,
    WhatsApp,
    Mail,
    Language,
    Groups,
    /// Its place in the sheet.
    RowNumber,
}

/// Names of columns without spaces, punctuation and case, by what they hold.
const NAMES: &[(Role, &[&str])] = &[
    (
        Role::Name,
        &[
            "name",
            "names",
            "fullname",
            "fullnames",
            "contactname",
            "clientname",
            "customername",
            "patientname",
            "beneficiaryname",
            "participantname",
            "respondentname",
            "membername",
            "studentname",
            "farmername",
            "mothersname",
            "firstandlastname",
            "namesurname",
            "nameandsurname",
            "nameofclient",
            "nameofpatient",
            "nameofparticipant",
            "nameofbeneficiary",
            "nom",
            "noms",
            "nomcomplet",
            "nometprenom",
            "nometprenoms",
            "nomsetprenoms",
            "nomprenom",
            "prenometnom",
            "prenomnom",
            "nombre",
            "nombres",
            "nombrecompleto",
            "nombreyapellido",
            "nombresyapellidos",
            "nombreyapellidos",
            "nome",
            "nomecompleto",
            "jina",
            "majina",
            "jinakamili",
            "izina",
            "amazina",
            "amazinayombi",
            "amazinayose",
            "vollstandigername",
            "الاسم",
            "اسم",
            "الاسمالكامل",
            "الاسمبالكامل",
            "الاسمالثلاثي",
            "الاسمالرباعي",
            "اسمالمستفيد",
            "نام",
            "نامکامل",
            "پورانام",
            "שם",
            "שםמלא",
            "имя",
            "фио",
            "полноеимя",
            "姓名",
            "名前",
            "氏名",
            "नाम",
            "पूरानाम",
            "ስም",
            "ሙሉስም",
            "isim",
            "adsoyad",
            "nama",
            "namalengkap",
            "hoten",
            "hovaten",
            "ชื่อ",
            "ชื่อสกุล",
            "이름",
            "성명",
        ],
    ),
    (
        Role::FirstName,
        &[
            "firstname",
            "first",
            "fname",
            "forename",
            "forenames",
            "givenname",
            "givennames",
            "christianname",
            "prenom",
            "prenoms",
            "primernombre",
            "primeironome",
            "jinalakwanza",
            "vorname",
            "الاسمالأول",
            "الاسمالاول",
            "שםפרטי",
            "نامکوچک",
            "名",
            "firstnames",
        ],
    ),
    (
        Role::MiddleName,
        &[
            "middlename",
            "middlenames",
            "middle",
            "othername",
            "othernames",
            "segundonombre",
            "отчество",
            "اسمالأب",
            "اسمالاب",
        ],
    ),
    (
        Role::LastName,
        &[
            "lastname",
            "last",
            "lname",
            "surname",
            "surnames",
            "sname",
            "familyname",
            "secondname",
            "nomdefamille",
            "apellido",
            "apellidos",
            "sobrenome",
            "apelido",
            "nachname",
            "familienname",
            "اسمالعائلة",
            "اللقب",
            "العائلة",
            "שםמשפחה",
            "נامخانوادگی",
            "نامخانوادگی",
            "фамилия",
            "姓",
            "soyad",
            "soyadi",
        ],
    ),
    (
        Role::WhatsApp,
        &[
            "whatsapp",
            "whatsappnumber",
            "whatsappno",
            "whatsappphone",
            "whatsappphonenumber",
            "واتساب",
            "واتس",
            "رقمالواتساب",
            "וואטסאפ",
        ],
    ),
    (
        Role::Phone,
        &[
            "phone",
            "phones",
            "phoneno",
            "phonenumber",
            "phonenumbers",
            "phonenr",
            "mobile",
            "mobileno",
            "mobilenumber",
            "mobilephone",
            "mobilephonenumber",
            "cell",
            "cellno",
            "cellnumber",
            "cellphone",
            "cellphonenumber",
            "tel",
            "telno",
            "telnumber",
            "telnr",
            "telephone",
            "telephoneno",
            "telephonenumber",
            "telephones",
            "contactno",
            "contactnumber",
            "contactnumbers",
            "contactphone",
            "msisdn",
            "gsm",
            "sim",
            "simnumber",
            "handphone",
            "handy",
            "hp",
            "nohp",
            "telefon",
            "telefonnummer",
            "handynummer",
            "telefono",
            "telefonos",
            "celular",
            "movil",
            "numerodetelefono",
            "numerodecelular",
            "telefone",
            "telemovel",
            "numerodetelefone",
            "numerodetelephone",
            "numerotelephone",
            "ntelephone",
            "notelephone",
            "portable",
            "telephoneportable",
            "simu",
            "nambayasimu",
            "simuyamkononi",
            "telefoni",
            "nimeroyatelefoni",
            "nomeroyatelefone",
            "numeroyatelefone",
            "telefoniye",
            "الهاتف",
            "هاتف",
            "رقمالهاتف",
            "رقمهاتف",
            "الجوال",
            "جوال",
            "رقمالجوال",
            "موبايل",
            "الموبايل",
            "رقمالموبايل",
            "رقمالتليفون",
            "تلفن",
            "موبایل",
            "شمارهتلفن",
            "شمارهموبایل",
            "فون",
            "فوننمبر",
            "טלפון",
            "נייד",
            "מספרטלפון",
            "טלפוןנייד",
            "телефон",
            "номертелефона",
            "мобильный",
            "мобильныйтелефон",
            "电话",
            "手机",
            "手机号",
            "手机号码",
            "电话号码",
            "電話",
            "電話番号",
            "携帯",
            "携帯電話",
            "फोन",
            "फ़ोन",
            "मोबाइल",
            "फोननंबर",
            "मोबाइलनंबर",
            "ስልክ",
            "ስልክቁጥር",
            "nomortelepon",
            "telepon",
            "sodienthoai",
            "dienthoai",
            "โทรศัพท์",
            "เบอร์โทร",
            "เบอร์โทรศัพท์",
            "전화번호",
            "휴대폰",
        ],
    ),
    (
        Role::Mail,
        &[
            "email",
            "emails",
            "mail",
            "emailaddress",
            "emailid",
            "mailaddress",
            "courriel",
            "adressemail",
            "adresseemail",
            "correo",
            "correoelectronico",
            "barua",
            "baruapepe",
            "imeyili",
            "البريدالإلكتروني",
            "البريدالالكتروني",
            "الإيميل",
            "ایمیل",
            "דואל",
            "אימייל",
            "почта",
            "электроннаяпочта",
            "邮箱",
            "电子邮件",
            "メール",
        ],
    ),
    (
        Role::Language,
        &[
            "language",
            "lang",
            "preferredlanguage",
            "languagepreference",
            "languagecode",
            "spokenlanguage",
            "langue",
            "idioma",
            "lingua",
            "lugha",
            "ururimi",
            "sprache",
            "اللغة",
            "لغة",
            "زبان",
            "שפה",
            "язык",
            "语言",
            "言語",
            "भाषा",
            "ቋንቋ",
            "bahasa",
        ],
    ),
    (
        Role::Groups,
        &[
            "group",
            "groups",
            "contactgroup",
            "contactgroups",
            "groupe",
            "groupes",
            "grupo",
            "grupos",
            "tags",
            "kikundi",
            "vikundi",
            "gruppe",
            "المجموعة",
            "المجموعات",
            "группа",
        ],
    ),
    (
        Role::RowNumber,
        &[
            "no",
            "nr",
            "n",
            "sn",
            "sno",
            "slno",
            "srno",
            "serialno",
            "serialnumber",
            "serial",
            "row",
            "rowno",
            "rownumber",
            "index",
            "num",
            "lp",
            "م",
            "ت",
            "الرقم",
            "序号",
            "番号",
            "unnamed0",
            "ord",
        ],
    ),
];

/// Words of a name that speak of a phone, where the whole says more: `Phone (home)`.
const PHONE_WORDS: &[&str] = &[
    "phone",
    "phones",
    "mobile",
    "cell",
    "cellphone",
    "tel",
    "telephone",
    "msisdn",
    "gsm",
    "telefono",
    "telefone",
    "celular",
    "movil",
    "telephone",
    "portable",
    "simu",
    "telefoni",
    "telefon",
    "handy",
    "هاتف",
    "الهاتف",
    "جوال",
    "الجوال",
    "موبايل",
    "تلفن",
    "טלפון",
    "נייד",
    "телефон",
];

/// Words that say that a number is another person's.
const OTHERS: &[&str] = &[
    "emergency",
    "kin",
    "guardian",
    "guardians",
    "parent",
    "parents",
    "mother",
    "mothers",
    "father",
    "fathers",
    "husband",
    "husbands",
    "wife",
    "spouse",
    "spouses",
    "partner",
    "partners",
    "referee",
    "agent",
    "agents",
    "supervisor",
    "chw",
    "doctor",
    "nurse",
    "alternative",
    "alternate",
    "neighbour",
    "neighbor",
    "urgence",
    "urgencia",
    "pere",
    "mere",
    "teacher",
    "manager",
];

/// Words that say that a column holds days.
const DATE_WORDS: &[&str] = &[
    "date",
    "dates",
    "dob",
    "doe",
    "birth",
    "birthday",
    "birthdate",
    "born",
    "edd",
    "lmp",
    "due",
    "day",
    "joined",
    "registered",
    "registration",
    "enrolled",
    "enrolment",
    "enrollment",
    "visit",
    "appointment",
    "since",
    "naissance",
    "nacimiento",
    "nascimento",
    "fecha",
    "data",
    "tarehe",
    "itariki",
    "kuzaliwa",
    "amavuko",
    "datum",
    "geburtsdatum",
    "geburtstag",
    "geboren",
    "تاريخ",
    "الميلاد",
    "تاریخ",
    "תאריך",
    "לידה",
    "дата",
    "рождения",
    "日期",
    "生日",
    "出生日期",
    "誕生日",
    "生年月日",
    "जन्म",
    "तारीख",
    "ቀን",
    "tanggal",
    "ngay",
    "tarih",
    "expiry",
    "deadline",
    "start",
    "end",
    "deliverydate",
];

/// A name of a column without spaces, punctuation, case and accents: `D.O.B` is `dob`, `Prénom` is `prenom`.
pub(super) fn plain(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    for c in name.chars().filter(|c| c.is_alphanumeric() || is_mark(*c)) {
        match unaccented(c) {
            Some(letter) => plain.push_str(letter),
            None => plain.extend(c.to_lowercase()),
        }
    }
    plain
}

/// The same, word by word.
fn words(name: &str) -> Vec<String> {
    let joined = joined_initials(name);
    let words = joined.split(|c: char| !c.is_alphanumeric() && !is_mark(c) && c != '\'' && c != '’');
    words.map(plain).filter(|word| !word.is_empty()).collect()
}

/// Vowel signs and the like, which belong to their words.
fn is_mark(c: char) -> bool {
    matches!(u32::from(c), 0x0900..=0x0DFF | 0x0E00..=0x0EFF | 0x1000..=0x109F) && !c.is_whitespace()
}

/// A Latin letter without its accent, in lower case; `None` of every other character.
fn unaccented(c: char) -> Option<&'static str> {
    let is_latin = matches!(u32::from(c), 0xC0..=0x24F | 0x1E00..=0x1EFF);
    // Letters alone: what it makes of the rest is for nobody to read.
    is_latin.then(|| any_ascii::any_ascii_char(c)).and_then(lower_static)
}

fn lower_static(text: &'static str) -> Option<&'static str> {
    const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz";
    match text.as_bytes() {
        &[letter] if letter.is_ascii_alphabetic() => {
            let at = usize::from(letter.to_ascii_lowercase() - b'a');
            LETTERS.get(at..=at)
        }
        _ if text.bytes().all(|byte| byte.is_ascii_lowercase()) => Some(text),
        b"AE" => Some("ae"),
        b"OE" => Some("oe"),
        _ => None,
    }
}

/// `D.O.B.` as `DOB`: points between single letters fall away.
pub(super) fn joined_initials(name: &str) -> Cow<'_, str> {
    let is_initials = |word: &str| {
        word.contains('.') && word.split('.').filter(|part| !part.is_empty()).all(|part| part.chars().count() == 1)
    };
    if !name.split_whitespace().any(is_initials) {
        return Cow::Borrowed(name);
    }
    let joined: Vec<String> = name
        .split_whitespace()
        .map(|word| if is_initials(word) { word.replace('.', "") } else { word.to_owned() })
        .collect();
    Cow::Owned(joined.join(" "))
}

/// What the name of a column says it holds, if it says so.
pub(super) fn role(name: &str) -> Option<Role> {
    // What stands in brackets explains: `Mobile (WhatsApp)` is looked at as a whole first.
    let whole = plain(name);
    let named = |plain: &str| {
        let without_number = plain.trim_end_matches(|c: char| c.is_ascii_digit());
        let known = |text: &str| NAMES.iter().find(|(_, names)| names.contains(&text)).map(|(role, _)| *role);
        known(plain).or_else(|| known(without_number).filter(|role| *role == Role::Phone))
    };
    if let Some(role) = named(&whole) {
        return Some(role);
    }
    let before_bracket = name.split(['(', '[', ':', '*']).next().unwrap_or_default();
    if let Some(role) = named(&plain(before_bracket)) {
        return Some(role);
    }
    let words = words(name);
    let says = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    if says(&["whatsapp"]) && words.len() <= 3 {
        return Some(Role::WhatsApp);
    }
    if says(PHONE_WORDS) && words.len() <= 5 {
        return Some(Role::Phone);
    }
    if says(&["email", "mail"]) && words.len() <= 4 {
        return Some(Role::Mail);
    }
    None
}

/// Whether the name says that what it holds is another person's.
pub(super) fn is_of_another(name: &str) -> bool {
    words(name).iter().any(|word| OTHERS.contains(&word.as_str()))
}

/// Whether the name speaks of a person, or of a name that is no place's.
pub(super) fn says_person(name: &str) -> bool {
    const PERSONS: &[&str] = &[
        "contact",
        "client",
        "customer",
        "patient",
        "beneficiary",
        "participant",
        "respondent",
        "member",
        "student",
        "farmer",
        "person",
        "individual",
        "employee",
        "staff",
        "user",
        "recipient",
        "subscriber",
        "volunteer",
        "caregiver",
        "pupil",
        "child",
        "woman",
        "mother",
        "personne",
        "persona",
        "cliente",
        "paciente",
        "pessoa",
        "kontakt",
    ];
    const NAMES: &[&str] =
        &["name", "names", "nom", "nombre", "nome", "jina", "izina", "amazina", "اسم", "الاسم", "имя", "שם"];
    const PLACES: &[&str] = &[
        "village",
        "district",
        "school",
        "facility",
        "company",
        "organisation",
        "organization",
        "business",
        "clinic",
        "hospital",
        "street",
        "sector",
        "cell",
        "county",
        "ward",
        "group",
        "project",
        "bank",
        "shop",
        "file",
        "user",
        "product",
        "nickname",
    ];
    let words = words(name);
    let says = |list: &[&str]| words.iter().any(|word| list.contains(&word.trim_end_matches("'s")));
    (words.len() <= 2 && says(PERSONS)) || (says(NAMES) && !says(PLACES) && words.len() <= 5)
}

/// Whether the name says that it holds days.
pub(super) fn says_date(name: &str) -> bool {
    DATE_WORDS.contains(&plain(name).as_str()) || words(name).iter().any(|word| DATE_WORDS.contains(&word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_columns_are_known_whatever_their_case_and_punctuation() {
        let cases = [
            ("Full Name", Some(Role::Name)),
            ("FULL_NAME", Some(Role::Name)),
            ("full\nname*", Some(Role::Name)),
            ("Prénom(s)", Some(Role::FirstName)),
            ("Nom complet", Some(Role::Name)),
            ("Mobile No.", Some(Role::Phone)),
            ("Phone 2", Some(Role::Phone)),
            ("Phone (home)", Some(Role::Phone)),
            ("Primary phone number", Some(Role::Phone)),
            ("N° de téléphone", Some(Role::Phone)),
            ("Téléphone", Some(Role::Phone)),
            ("Teléfono celular", Some(Role::Phone)),
            ("رقم الهاتف", Some(Role::Phone)),
            ("الاسم الكامل", Some(Role::Name)),
            ("E-mail", Some(Role::Mail)),
            ("WhatsApp No", Some(Role::WhatsApp)),
            ("S/N", Some(Role::RowNumber)),
            ("Village", None),
            ("Telltale", None),
            ("Mobile clinic visited in the last year", None),
        ];
        for (name, expected) in cases {
            assert_eq!(role(name), expected, "{name}");
        }
        assert!(says_date("D.O.B") && says_date("Date of birth") && says_date("تاريخ الميلاد") && !says_date("Village"));
        assert!(is_of_another("Next of kin phone") && is_of_another("Mother's phone") && !is_of_another("Phone"));
        assert_eq!(joined_initials("D.O.B. of child"), "DOB of child");
    }
}
