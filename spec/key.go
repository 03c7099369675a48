package spec

import (
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"
)

// checkSigningKey accepts one public key as in an authorized_keys file.
func checkSigningKey(key string) (reason, hint string) {
	_, _, options, rest, err := ssh.ParseAuthorizedKey([]byte(key))
	if err != nil || len(options) > 0 || len(rest) > 0 {
		return fmt.Sprintf("%q is not one SSH public key", shorten(key, 40)), `write the line of the .pub file: "ssh-ed25519 AAAA…"`
	}
	return "", ""
}

// canonicalKey is a key as usher compares it: type and base64, no comment.
func canonicalKey(key string) string {
	fields := strings.Fields(key)
	return strings.Join(fields[:min(2, len(fields))], " ")
}

// shorten cuts a text that an error quotes to about n characters.
func shorten(s string, n int) string {
	if runes := []rune(s); len(runes) > n {
		return string(runes[:n]) + "…"
	}
	return s
}
