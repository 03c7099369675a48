// Package spec says what admins want: it turns manifests into a checked Roster,
// or into errors that each name a file, a line and a column.
//
// Two steps, both pure. [Parse] reads one file and depends on nothing but its
// bytes, so its result can be kept for as long as the bytes stay the same.
// [Resolve] reads all parsed files together: it follows references, folds
// teams into each person's access, counts seats from today to the end of time
// and returns a [Roster], the one vocabulary in which usher speaks both of what
// is wanted and of what is true.
//
// What a file may contain are private structs in the files named after their
// kind (user.go, contract.go, …); what leaves the package are typed values whose
// comments say what is guaranteed.
package spec

// APIVersion is what every manifest's apiVersion must be.
const APIVersion = "usher/v1"

// Limits on what is read. Whatever exceeds one is refused with an error, before
// it can cost time or memory.
const (
	MaxFileSize   = 4 << 20  // bytes in one file
	MaxEntries    = 500_000  // lines and commas in one file: more is slow to parse
	MaxScalarSize = 64 << 10 // bytes in one scalar
	MaxKeys       = 1000     // keys in one mapping
	MaxDepth      = 16       // nested mappings and sequences
	MaxListUsers  = 50       // entries in one UserList (DOMAIN.md row 12)
)
