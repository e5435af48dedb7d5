//! The words that people, departments and offices are made of.

pub const GIVEN: &[&str] = &[
    "Ada",
    "Ahmed",
    "Aiko",
    "Alejandra",
    "Amélie",
    "Anjali",
    "Björn",
    "Carlos",
    "Chloé",
    "Dmitri",
    "Elif",
    "Emeka",
    "Fatima",
    "François",
    "Giulia",
    "Hannah",
    "Hiroshi",
    "Ingrid",
    "Ivana",
    "Jürgen",
    "Kofi",
    "Lars",
    "Léa",
    "Li",
    "Łukasz",
    "Mei",
    "Mohammed",
    "Noor",
    "Oksana",
    "Olivia",
    "Pedro",
    "Priya",
    "Quentin",
    "Rachel",
    "Søren",
    "Thandiwe",
    "Tomáš",
    "Ursula",
    "Víctor",
    "Wei",
    "Xavier",
    "Yara",
    "Zoë",
];

pub const FAMILY: &[&str] = &[
    "Almeida",
    "Andersson",
    "Bauer",
    "Bianchi",
    "Chen",
    "Costa",
    "D'Angelo",
    "Dubois",
    "Eze",
    "Fernández",
    "García",
    "Haddad",
    "Ivanova",
    "Jensen",
    "Kowalski",
    "Kumar",
    "Lefèvre",
    "López",
    "Meyer-Landrut",
    "Müller",
    "Nakamura",
    "Nguyen",
    "Novák",
    "O'Brien",
    "Okafor",
    "Öztürk",
    "Papadopoulos",
    "Patel",
    "Quinn",
    "Rossi",
    "Šimić",
    "Smith",
    "Tanaka",
    "Tremblay",
    "Van der Berg",
    "Virtanen",
    "Wang",
    "Yılmaz",
    "Zhang",
    "Ångström",
];

pub struct Department {
    pub name: &'static str,
    pub titles: &'static [&'static str],
}

pub const DEPARTMENTS: &[Department] = &[
    Department {
        name: "Sales",
        titles: &["Account Executive", "Sales Manager", "Inside Sales"],
    },
    Department {
        name: "Customer Support",
        titles: &["Support Agent", "Team Lead", "Escalation Engineer"],
    },
    Department {
        name: "Engineering",
        titles: &["Developer", "Test Engineer", "Architect"],
    },
    Department {
        name: "Finance",
        titles: &["Accountant", "Controller"],
    },
    Department {
        name: "Human Resources",
        titles: &["Recruiter", "HR Partner"],
    },
    Department {
        name: "Logistics & Transport",
        titles: &["Dispatcher", "Warehouse Lead"],
    },
    Department {
        name: "Legal",
        titles: &["Counsel", "Paralegal"],
    },
    Department {
        name: "Geschäftsleitung",
        titles: &["Managing Director", "Assistant"],
    },
];

pub struct Office {
    pub name: &'static str,
    pub country: &'static str,
    pub language: &'static str,
    pub calling_code: &'static str,
    pub area: &'static str,
}

pub const OFFICES: &[Office] = &[
    Office {
        name: "Berlin",
        country: "DE",
        language: "de-DE",
        calling_code: "49",
        area: "30",
    },
    Office {
        name: "Zürich",
        country: "CH",
        language: "de-CH",
        calling_code: "41",
        area: "44",
    },
    Office {
        name: "Lyon",
        country: "FR",
        language: "fr-FR",
        calling_code: "33",
        area: "4",
    },
    Office {
        name: "London",
        country: "GB",
        language: "en-GB",
        calling_code: "44",
        area: "20",
    },
    Office {
        name: "Boston",
        country: "US",
        language: "en-US",
        calling_code: "1",
        area: "617",
    },
    Office {
        name: "Xiamen",
        country: "CN",
        language: "zh-CN",
        calling_code: "86",
        area: "592",
    },
];

/// Letters of mail addresses: what is not ASCII is replaced or dropped.
pub fn ascii(name: &str) -> String {
    name.chars().filter_map(ascii_letter).collect()
}

fn ascii_letter(letter: char) -> Option<char> {
    Some(match letter.to_lowercase().next()? {
        'á' | 'å' | 'ä' | 'à' => 'a',
        'é' | 'è' | 'ë' => 'e',
        'í' | 'ı' => 'i',
        'ó' | 'ö' | 'ø' => 'o',
        'ü' => 'u',
        'ć' | 'č' | 'ç' => 'c',
        'ł' => 'l',
        'š' => 's',
        plain if plain.is_ascii_alphanumeric() || plain == '-' => plain,
        _ => return None,
    })
}
