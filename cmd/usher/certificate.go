package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificate is what the site proves itself with. The files are looked at again now
// and then, so that one that was renewed needs no restart; as long as what is there
// cannot be used, the former one serves.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu     sync.Mutex
	loaded *tls.Certificate
	marks  [2]time.Time // when the files were changed that it was loaded from
	looked time.Time
}

// certificateEvery is how often the files are looked at.
const certificateEvery = 30 * time.Second

// loadCertificate reads the files, which must fit together; nil without any.
func loadCertificate(f siteFlags, log *slog.Logger) (*certificate, error) {
	if f.certificate == "" {
		return nil, nil
	}
	c := &certificate{certFile: f.certificate, keyFile: f.key, log: log}
	if err := c.load(); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *certificate) load() error {
	marks, err := c.changed()
	if err != nil {
		return err
	}
	loaded, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("reading --tls-cert %s and --tls-key %s: %w", c.certFile, c.keyFile, err)
	}
	c.loaded, c.marks, c.looked = &loaded, marks, time.Now()
	return nil
}

func (c *certificate) changed() (marks [2]time.Time, err error) {
	for i, name := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return marks, fmt.Errorf("reading the certificate: %w", err)
		}
		marks[i] = info.ModTime()
	}
	return marks, nil
}

// get is the certificate of now.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) < certificateEvery {
		return c.loaded, nil
	}
	c.looked = time.Now()
	marks, err := c.changed()
	if err == nil && marks != c.marks {
		if err = c.load(); err == nil {
			c.log.Info("the certificate was renewed")
		}
	}
	if err != nil {
		c.log.Warn("the certificate cannot be read again, the former one serves", "error", err)
	}
	return c.loaded, nil
}
