package source

import (
	"bufio"
	"bytes"
	"fmt"
	"strings"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"

	"usher/reconciler"
	"usher/spec"
)

// signatureNamespace is what git signs for; a signature for anything else, such as
// a file, says nothing about a commit.
const signatureNamespace = "git"

// Signer verifies a commit's signature and says whose key made it. Whether that
// key counts is not decided here.
func (c *Commit) Signer() reconciler.Signer {
	s := strings.TrimSpace(string(c.Signature))
	switch {
	case s == "":
		return reconciler.Signer{Problem: "not signed"}
	case strings.HasPrefix(s, "-----BEGIN PGP"):
		return reconciler.Signer{Problem: "signed with PGP, and usher reads SSH signatures"}
	case !strings.HasPrefix(s, "-----BEGIN SSH SIGNATURE-----"):
		return reconciler.Signer{Problem: "signed in a way that usher does not read: it reads SSH signatures"}
	}
	sig, err := sshsig.Unarmor([]byte(s))
	if err != nil {
		return reconciler.Signer{Problem: "signed with a signature that cannot be read"}
	}
	if problem := weakness(sig); problem != "" {
		return reconciler.Signer{Problem: problem}
	}
	if err := sshsig.Verify(bytes.NewReader(c.Payload), sig, sig.PublicKey, sig.HashAlgorithm, signatureNamespace); err != nil {
		return reconciler.Signer{Problem: "signed with a signature that does not fit the commit"}
	}
	key, err := spec.ParseSigningKey(string(bytes.TrimSpace(ssh.MarshalAuthorizedKey(sig.PublicKey))))
	if err != nil {
		return reconciler.Signer{Problem: "signed with a key that cannot be read"}
	}
	return reconciler.Signer{Key: key.Key, Fingerprint: ssh.FingerprintSHA256(sig.PublicKey)}
}

// weakness says why a signature is not looked at any further.
func weakness(sig *sshsig.Signature) string {
	if _, certified := sig.PublicKey.(*ssh.Certificate); certified {
		return "signed with a certificate, and usher knows people by their keys"
	}
	switch {
	case sig.PublicKey.Type() == "ssh-dss", sig.Signature.Format == ssh.KeyAlgoRSA:
		return "signed with " + sig.Signature.Format + ", which is not safe any more"
	case sig.Namespace != signatureNamespace:
		return fmt.Sprintf("signed for %q, not for git", sig.Namespace)
	}
	return ""
}

// ParseForgeKeys reads the keys that a forge signs the commits with that it makes
// itself: one a line, as [spec.ParseSigningKey] reads them; empty lines and those
// that begin with # do not count.
func ParseForgeKeys(data []byte) ([]spec.SigningKey, error) {
	var keys []spec.SigningKey
	lines := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, err := spec.ParseSigningKey(line)
		if err != nil {
			return nil, fmt.Errorf("reading the forge's keys: line %d: %w", n, err)
		}
		keys = append(keys, key)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the forge's keys: %w", err)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("reading the forge's keys: there are none; write one public SSH key a line")
	}
	return keys, nil
}
