package portal

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Whoever has signed in keeps the menu on a page that there is not, and where a form is
// sent to what takes none.
func TestWhatIsNotThereKeepsTheMenu(t *testing.T) {
	f := newFirm(t)
	want := menuOf(f.as("eve").get("/account"))
	if diff := cmp.Diff(want, menuOf(f.as("eve").get("/nowhere"))); diff != "" {
		t.Errorf("menu of a page there is not (-want +got):\n%s", diff)
	}
	refused := f.as("eve").post("/account", nil)
	refused.says(http.StatusMethodNotAllowed, "That cannot be done here")
	if diff := cmp.Diff(want, menuOf(refused)); diff != "" {
		t.Errorf("menu where nothing is sent to (-want +got):\n%s", diff)
	}
	if got := menuOf(f.stranger().get("/nowhere")); len(got) > 0 {
		t.Errorf("a stranger has the menu %q", got)
	}
}
