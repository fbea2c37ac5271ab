//go:build servers

package servers

import (
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

func TestChromiumRunsScriptsAndTakesAPicture(t *testing.T) {
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `<body style="background:#00ff00"><p id=p></p><script>p.textContent = 6 * 7</script>`)
	}))
	t.Cleanup(page.Close)
	got := Chromium(t, page.URL, 300, 200)
	if !strings.Contains(got.DOM, `<p id="p">42</p>`) {
		t.Errorf("the script's work is not in the page: %s", got.DOM)
	}
	f, err := os.Open(got.Screenshot)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	picture, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	if r, g, b, _ := picture.At(290, 190).RGBA(); r != 0 || g != 0xffff || b != 0 || picture.Bounds().Dx() != 300 {
		t.Errorf("the picture is %v wide, its corner %x %x %x; want 300 and green", picture.Bounds().Dx(), r, g, b)
	}
}
