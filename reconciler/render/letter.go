package render

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
)

// letterHeaders are the headers that a reader of a message wants to see.
var letterHeaders = []string{"From", "To", "Subject", "Date", "Message-Id"}

// Letter writes a message (RFC 5322) for a person to read: its main headers and
// its text part; the HTML part alone with html; the bytes as they are with raw.
func Letter(w io.Writer, data []byte, html, raw bool) error {
	if raw {
		_, err := w.Write(data)
		return err
	}
	m, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("reading the message: %w", err)
	}
	want := "text/plain"
	if html {
		want = "text/html"
	}
	body, err := letterPart(m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), m.Body, want)
	if err != nil {
		return fmt.Errorf("reading the message: %w", err)
	}
	var b strings.Builder
	if !html {
		letterHead(&b, m.Header)
	}
	b.WriteString(strings.ReplaceAll(body, "\r\n", "\n"))
	return write(w, b.String())
}

func letterHead(b *strings.Builder, h mail.Header) {
	var decoder mime.WordDecoder
	for _, name := range letterHeaders {
		text, err := decoder.DecodeHeader(h.Get(name))
		if err != nil {
			text = h.Get(name)
		}
		if text != "" {
			b.WriteString(name + ": " + visible(text) + "\n")
		}
	}
	b.WriteString("\n")
}

var errNoPart = errors.New("it has no such part")

// letterPart decodes the first part of the wanted type.
func letterPart(contentType, encoding string, r io.Reader, want string) (string, error) {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return "", err
	}
	if kind == want {
		data, err := io.ReadAll(decoded(encoding, r))
		return string(data), err
	}
	if !strings.HasPrefix(kind, "multipart/") {
		return "", fmt.Errorf("%s: %w", want, errNoPart)
	}
	parts := multipart.NewReader(r, params["boundary"])
	for {
		p, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return "", fmt.Errorf("%s: %w", want, errNoPart)
		}
		if err != nil {
			return "", err
		}
		text, err := letterPart(p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p, want)
		if !errors.Is(err, errNoPart) {
			return text, err
		}
	}
}

func decoded(encoding string, r io.Reader) io.Reader {
	switch strings.ToLower(encoding) {
	case "quoted-printable":
		return quotedprintable.NewReader(r)
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, r)
	}
	return r
}
