package notice_test

import (
	"strings"
	"testing"

	"usher/reconciler"
	"usher/reconciler/notice"
)

// Every message of a signed revision says who signed it, others nothing of the kind.
// What somebody asks of support belongs to no revision, nor does what is about a password.
func TestSignerIsNamed(t *testing.T) {
	w := writer(t, notice.Options{})
	for _, kind := range notice.Kinds {
		switch kind {
		case reconciler.NoticeSupport, reconciler.NoticeReset, reconciler.NoticePassword:
			continue
		}
		for signer, want := range map[string]string{"grace": ", signed by grace.", "": " UTC."} {
			stamp := notice.SampleStamp()
			stamp.Signer = signer
			message, err := w.Compose(notice.Sample(kind), stamp)
			if err != nil {
				t.Fatal(err)
			}
			r := parse(t, message)
			for _, text := range []string{r.text, r.html} {
				_, footer, _ := strings.Cut(text, "Revision 12")
				if !strings.Contains(footer, want) || signer == "" && strings.Contains(text, "signed by") {
					t.Errorf("%s, signed by %q: the footer is %q", kind, signer, footer)
				}
			}
		}
	}
}
