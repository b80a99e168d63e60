package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

const keySize = 32

// seal is AES-256-GCM under a random nonce, which it begins with. One key
// seals far fewer than the 2³² messages that random nonces allow.
func seal(key, plain, bound []byte) []byte {
	return gcm(key).Seal(nil, nil, plain, bound)
}

func unseal(key, sealed, bound []byte) ([]byte, error) {
	plain, err := gcm(key).Open(nil, nil, sealed, bound)
	if err != nil {
		return nil, ErrDamaged
	}
	return plain, nil
}

func gcm(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // every key is 32 bytes
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // an AES cipher always fits
	}
	return aead
}

// derive makes a key for one purpose out of another.
func derive(key []byte, purpose string) []byte {
	d, err := hkdf.Key(sha256.New, key, nil, "daybook vault: "+purpose, keySize)
	if err != nil {
		panic(err) // 32 bytes are never too many to ask for
	}
	return d
}

// framed puts parts together so that no two lists look the same.
func framed(parts ...string) []byte {
	var b []byte
	for _, p := range parts {
		b = binary.AppendUvarint(b, uint64(len(p)))
		b = append(b, p...)
	}
	return b
}

// unframed takes n parts apart again.
func unframed(b []byte, n int) ([]string, error) {
	parts := make([]string, n)
	for i := range parts {
		size, used := binary.Uvarint(b)
		if used <= 0 || size > uint64(len(b)-used) {
			return nil, fmt.Errorf("%w: cut short", ErrDamaged)
		}
		b = b[used:]
		parts[i], b = string(b[:size]), b[size:]
	}
	return parts, nil
}
