package state

// Placeholder stands in a message's body where the given password belongs. It
// has a given password's length, so that filling it in moves no line break; its
// characters pass through quoted-printable, HTML and headers unchanged; and its
// U, which no given password contains, keeps it from ever being one.
const Placeholder = "UUUU-PASS-WORD-UUUU"
