package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// selfSigned writes a certificate for 127.0.0.1 and its key.
func (p *place) selfSigned(serial int64) (certFile, keyFile string, pool *x509.CertPool) {
	p.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		p.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "usher"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		p.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		p.Fatal(err)
	}
	p.write("tls/cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	p.write("tls/key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	pool = x509.NewCertPool()
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		p.Fatal(err)
	}
	pool.AddCert(parsed)
	return filepath.Join(p.dir, "tls/cert.pem"), filepath.Join(p.dir, "tls/key.pem"), pool
}

// Passwords cross no network in the clear: where they would, health and metrics are
// all there is.
func TestWhereTheAccountSiteIsServed(t *testing.T) {
	p := newPlace(t)
	cert, key, pool := p.selfSigned(1)
	trusting := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}, Timeout: 10 * time.Second}
	tests := []struct {
		name   string
		args   []string
		scheme string
		signIn int
	}{
		{"this machine", []string{"--listen", "127.0.0.1:0"}, "http", http.StatusOK},
		{"every network", []string{"--listen", "0.0.0.0:0"}, "http", http.StatusNotFound},
		{"every network, --url in the clear", []string{"--listen", "0.0.0.0:0", "--url", "http://accounts.acme.example"}, "http", http.StatusNotFound},
		{"behind a proxy", []string{"--listen", "0.0.0.0:0", "--url", "https://accounts.acme.example"}, "http", http.StatusOK},
		{"over TLS", []string{"--listen", "0.0.0.0:0", "--tls-cert", cert, "--tls-key", key}, "https", http.StatusOK},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := &place{t, p.dir}
			c := p.start(append([]string{"watch", "manifests", "--settle", "20ms"}, tt.args...)...)
			_, port, err := net.SplitHostPort(c.says(`msg=listening address=(\S+)`)[1])
			if err != nil {
				t.Fatal(err)
			}
			at := tt.scheme + "://127.0.0.1:" + port
			for page, want := range map[string]int{"/livez": http.StatusOK, "/sign-in": tt.signIn, "/api/v1/openapi.json": tt.signIn} {
				response, err := trusting.Get(at + page)
				if err != nil {
					t.Fatal(err)
				}
				response.Body.Close()
				if response.StatusCode != want {
					t.Errorf("%s: got %d, want %d", page, response.StatusCode, want)
				}
			}
			if told := strings.Contains(c.out.String(), "health and metrics only"); told != (tt.signIn != http.StatusOK) {
				t.Errorf("the log says that the site is not served: %v\n%s", told, &c.out)
			}
			c.Process.Kill()
			c.code()
		})
	}
}

func TestSiteFlagsThatMakeNoSense(t *testing.T) {
	p := newPlace(t)
	cert, key, _ := p.selfSigned(1)
	p.write("tls/other.pem", "no certificate")
	for want, args := range map[string][]string{
		"--tls-cert and --tls-key go together": {"--tls-cert", cert},
		"and that is nothing":                  {"--tls-cert", cert, "--tls-key", key, "--listen", ""},
		"reading --tls-cert":                   {"--tls-cert", filepath.Join(p.dir, "tls/other.pem"), "--tls-key", key, "--listen", "127.0.0.1:0"},
		"at the top of its host":               {"--url", "https://acme.example/accounts", "--listen", "127.0.0.1:0"},
	} {
		said, code := p.run(append([]string{"watch", "manifests"}, args...)...)
		if code != exitFailed || !strings.Contains(said, want) {
			t.Errorf("%q: exit %d, want 1 and %q:\n%s", args, code, want, said)
		}
	}
}

// A certificate that was renewed is taken up without a restart; one that is broken
// leaves the former one serving.
func TestRenewedCertificates(t *testing.T) {
	p := newPlace(t)
	cert, key, _ := p.selfSigned(1)
	c, err := loadCertificate(siteFlags{certificate: cert, key: key}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	serial := func() int64 {
		t.Helper()
		c.looked = time.Time{}
		served, err := c.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(served.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return leaf.SerialNumber.Int64()
	}
	later := time.Now().Add(time.Minute)
	for _, step := range []struct {
		change func()
		want   int64
	}{
		{func() {}, 1},
		{func() { p.selfSigned(2) }, 2},
		{func() { p.write("tls/cert.pem", "half of a") }, 2},
		{func() { os.Remove(cert) }, 2},
		{func() { p.selfSigned(3) }, 3},
	} {
		step.change()
		later = later.Add(time.Minute)
		os.Chtimes(cert, later, later)
		if got := serial(); got != step.want {
			t.Errorf("certificate %d serves, want %d", got, step.want)
		}
	}
}

// From a manifest to an account in use, by the message in the outbox and the site
// alone, beside a loop at work.
func TestFromManifestToAccount(t *testing.T) {
	p := newPlace(t)
	c := p.start("watch", "manifests", "--listen", "127.0.0.1:0", "--settle", "20ms")
	at := "http://" + c.says(`msg=listening address=(\S+)`)[1]
	p.until("delivered", func() bool { return p.letters()["bo"] > 0 })
	names, _ := filepath.Glob(filepath.Join(p.dir, "outbox", "*-invitation-bo@*"))
	letter, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar, Timeout: 30 * time.Second}
	send := func(path string, form url.Values, want ...string) {
		t.Helper()
		response, err := browser.PostForm(at+path, form)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		page, _ := io.ReadAll(response.Body)
		for _, w := range want {
			if !strings.Contains(string(page), w) {
				t.Fatalf("%s: %d, and %q is not on the page:\n%s", path, response.StatusCode, w, page)
			}
		}
	}
	send("/sign-in", url.Values{"email": {"bo@acme.example"}, "password": {givenPassword.FindString(string(letter))}}, "Choose your password")
	own := "a sentence to keep in mind"
	send("/password/choose", url.Values{"password": {own}, "again": {own}}, "Your account is active", "Ann Lee")
	p.write("manifests/cy.yaml", person("cy"))
	c.says(`msg=revision number=2 `)
	if said, _ := p.run("describe", "user", "bo"); !strings.Contains(said, "active") {
		t.Errorf("bo is not active:\n%s", said)
	}
	if said, code := p.run("doctor"); code != exitDone {
		t.Errorf("doctor: exit %d:\n%s", code, said)
	}
	p.discreet(c.out.String())
}
