package mail

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// security is how much TLS a server must bring along.
type security string

const (
	inClear   security = "none"
	ifOffered security = "starttls"
	required  security = "required"
	implicit  security = "implicit" // smtps://
)

// stepTimeout bounds a step of the dialogue where the settings do not.
const stepTimeout = time.Minute

// server is an SMTP server as the settings describe it, nothing connected yet.
type server struct {
	host     string
	port     int
	user     string // empty: no AUTH
	password string
	from     string // the envelope's address
	security security
	trust    *tls.Config
	timeout  time.Duration // for a step
	most     int           // messages a connection
}

func openServer(s Settings) (Transport, error) {
	srv, err := parseServer(s)
	if err != nil {
		return nil, fmt.Errorf("mail %q: %w", withoutPassword(s.Where), err)
	}
	return &client{server: srv}, nil
}

func parseServer(s Settings) (*server, error) {
	u, err := url.Parse(s.Where)
	if err != nil {
		return nil, errors.New("not a URL; write smtp://user@host:587, and %40 for an @ in the user's name")
	}
	if u.Hostname() == "" || strings.Trim(u.Path, "/") != "" {
		return nil, errors.New("expected a host and nothing after it, as in smtp://user@host:587")
	}
	srv := &server{host: u.Hostname(), timeout: s.Timeout}
	if srv.timeout == 0 {
		srv.timeout = stepTimeout
	}
	if srv.port, err = portOf(u); err != nil {
		return nil, err
	}
	if srv.from, err = senderOf(s.From); err != nil {
		return nil, err
	}
	if srv.user, srv.password, err = credentials(u, s.PasswordFile); err != nil {
		return nil, err
	}
	if err := srv.options(u); err != nil {
		return nil, err
	}
	return srv, nil
}

func portOf(u *url.URL) (int, error) {
	if u.Port() == "" {
		if u.Scheme == "smtps" {
			return 465, nil
		}
		return 587, nil
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil || port == 0 {
		return 0, fmt.Errorf("%q is not a port", u.Port())
	}
	return int(port), nil
}

// senderOf is the address in the From setting, its domain in ASCII.
func senderOf(from string) (string, error) {
	if from == "" {
		return "", errors.New("a sender is missing; give --from, for example usher@acme.example")
	}
	address, err := netmail.ParseAddress(from)
	if err != nil {
		return "", fmt.Errorf("sender %q is not an address such as usher@acme.example", from)
	}
	return envelopeAddress(address.Address)
}

// credentials are the URL's user and the password from the file, never from the
// URL: it would be seen in lists of processes and in logs.
func credentials(u *url.URL, file string) (user, password string, err error) {
	if u.User == nil {
		return "", "", nil
	}
	if _, inURL := u.User.Password(); inURL {
		return "", "", errors.New("a password in the URL can be read by others; put it into a file and give --mail-password-file FILE")
	}
	if file == "" {
		return "", "", fmt.Errorf("a password for %q is missing; put it into a file and give --mail-password-file FILE", u.User.Username())
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return "", "", fmt.Errorf("reading the mail password: %w", err)
	}
	password, _, _ = strings.Cut(string(content), "\n")
	password = strings.TrimSuffix(password, "\r")
	if password == "" {
		return "", "", fmt.Errorf("the first line of %s is empty; it should be the mail password", file)
	}
	return u.User.Username(), password, nil
}

// messagesAConnection is how many messages go over one connection where the setting
// says nothing; the same number that Exim sends (connection_max_messages).
const messagesAConnection = 500

// options reads ?tls=, ?ca= and ?messages=, and settles how much TLS there must be.
func (srv *server) options(u *url.URL) error {
	query := u.Query()
	for name := range query {
		if !slices.Contains([]string{"tls", "ca", "messages"}, name) {
			return fmt.Errorf("unknown option %q; there are tls, ca and messages", name)
		}
	}
	srv.most = messagesAConnection
	if text := query.Get("messages"); text != "" {
		most, err := strconv.Atoi(text)
		if err != nil || most < 1 {
			return fmt.Errorf("messages=%s: expected how many messages go over one connection, 1 or more", text)
		}
		srv.most = most
	}
	srv.trust = &tls.Config{ServerName: srv.host, MinVersion: tls.VersionTLS12}
	if file := query.Get("ca"); file != "" {
		pool, err := authorities(file)
		if err != nil {
			return err
		}
		srv.trust.RootCAs = pool
	}
	var err error
	srv.security, err = srv.settle(u.Scheme, query.Get("tls"))
	if srv.security == ifOffered {
		// Whoever can forge a certificate here can as well not offer TLS at all.
		srv.trust.InsecureSkipVerify = true
	}
	return err
}

func (srv *server) settle(scheme, asked string) (security, error) {
	local := loopback(srv.host)
	switch {
	case scheme == "smtps" && asked == "":
		return implicit, nil
	case scheme == "smtps":
		return "", errors.New("smtps:// is TLS from the first byte and takes no tls option; leave it out, or write smtp://")
	case asked == string(inClear) && srv.user != "" && !local:
		return "", errors.New("with tls=none the password would cross the network in the clear; leave the option out")
	case asked == string(inClear):
		return inClear, nil
	case asked == string(ifOffered) && srv.user == "", asked == "" && srv.user == "" && local:
		return ifOffered, nil
	case asked == "", asked == string(required), asked == string(ifOffered):
		return required, nil
	default:
		return "", fmt.Errorf("tls=%s: expected none, starttls or required", asked)
	}
}

func authorities(file string) (*x509.CertPool, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the certificates to trust: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(content) {
		return nil, fmt.Errorf("%s holds no PEM certificate", file)
	}
	return pool, nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// String is the setting that leads here, without the options.
func (srv *server) String() string {
	u := url.URL{Scheme: "smtp", Host: net.JoinHostPort(srv.host, strconv.Itoa(srv.port))}
	if srv.security == implicit {
		u.Scheme = "smtps"
	}
	if srv.user != "" {
		u.User = url.User(srv.user)
	}
	return u.String()
}
