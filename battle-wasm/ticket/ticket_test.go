package ticket

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	key1 = strings.Repeat("01", 32)
	key2 = strings.Repeat("02", 32)
)

func keys(t testing.TB, text string) *Keys {
	t.Helper()
	k, err := ParseKeys(text)
	require.NoError(t, err)
	return k
}

var sample = Ticket{Pod: 1 << 63, Room: 15, Battle: ID{1, 15: 2}, Player: ID{3, 15: 4}, Serial: 5, Expires: 1.7e12}

func TestSealAndOpen(t *testing.T) {
	t.Parallel()
	sealed := keys(t, "1:"+key1).Seal(nil, &sample)
	require.Len(t, sealed, Size)
	var got Ticket
	require.NoError(t, keys(t, "1:"+key1).Open(sealed, &got))
	require.Equal(t, sample, got)
}

func TestNoByteCanBeChanged(t *testing.T) {
	t.Parallel()
	k := keys(t, "1:"+key1)
	sealed := k.Seal(nil, &sample)
	for i := range sealed {
		altered := append([]byte(nil), sealed...)
		altered[i] ^= 0x10
		var got Ticket
		err := k.Open(altered, &got)
		switch i {
		case 0:
			require.ErrorIs(t, err, ErrFormat)
		case 1:
			require.ErrorIs(t, err, ErrKey)
		default:
			require.ErrorIs(t, err, ErrAltered, i)
		}
		require.Zero(t, got)
	}
	var got Ticket
	require.ErrorIs(t, k.Open(sealed[1:], &got), ErrFormat)
	require.ErrorIs(t, k.Open(append(sealed, 0), &got), ErrFormat)
	require.ErrorIs(t, k.Open(nil, &got), ErrFormat)
}

func TestRotation(t *testing.T) {
	t.Parallel()
	old, both, fresh := keys(t, "1:"+key1), keys(t, "2:"+key2+",1:"+key1), keys(t, "2:"+key2)
	var got Ticket
	require.NoError(t, both.Open(old.Seal(nil, &sample), &got), "tickets from before are good")
	require.NoError(t, fresh.Open(both.Seal(nil, &sample), &got), "the first key seals")
	require.ErrorIs(t, fresh.Open(old.Seal(nil, &sample), &got), ErrKey)
	require.ErrorIs(t, keys(t, "1:"+key2).Open(old.Seal(nil, &sample), &got), ErrAltered, "the number alone is not the key")
}

func TestMessages(t *testing.T) {
	t.Parallel()
	k := keys(t, "2:"+key2+",1:"+key1)
	message := []byte(`{"pod":"p"}`)
	mac := string(k.Sign(nil, message))
	require.True(t, strings.HasPrefix(mac, "2:"))
	require.True(t, k.Verify(mac, message))
	require.True(t, keys(t, "2:"+key2).Verify(mac, message))
	for name, tt := range map[string]struct {
		mac     string
		message string
	}{
		"another message":    {mac, `{"pod":"q"}`},
		"another MAC":        {mac[:len(mac)-1] + "g", string(message)},
		"cut":                {mac[:len(mac)-2], string(message)},
		"none":               {"", string(message)},
		"no number":          {mac[1:], string(message)},
		"the other key":      {"1" + mac[1:], string(message)},
		"an unknown key":     {"9" + mac[1:], string(message)},
		"a number too large": {"258" + mac[1:], string(message)},
	} {
		require.False(t, k.Verify(tt.mac, []byte(tt.message)), name)
	}
	// A ticket's MAC is not that of a message.
	sealed := k.Seal(nil, &sample)
	require.NotEqual(t, string(k.Sign(nil, sealed[:Size-MACSize]))[2:], ID(sealed[Size-MACSize:]).String())
}

func TestParseKeysRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                          "no ticket key is given",
		key1:                        "ticket key 1 must be number:hex, with a number of 0 to 255",
		"256:" + key1:               "ticket key 1 must be number:hex, with a number of 0 to 255",
		"1:" + key1 + ",x:" + key2:  "ticket key 2 must be number:hex, with a number of 0 to 255",
		"1:" + key1[2:]:             "ticket key 1 must have 64 hexadecimal digits",
		"1:" + key1[1:] + "g":       "ticket key 1 must have 64 hexadecimal digits",
		"1:" + key1 + ",1:" + key2:  "ticket key 2 has the number of another",
		"1:" + key1 + ",":           "ticket key 2 must be number:hex, with a number of 0 to 255",
		"1:" + key1 + ", 2:" + key2: "ticket key 2 must be number:hex, with a number of 0 to 255",
	} {
		_, err := ParseKeys(text)
		require.EqualError(t, err, want, text)
	}
}

func TestParseID(t *testing.T) {
	t.Parallel()
	id, err := ParseID(sample.Battle.String())
	require.NoError(t, err)
	require.Equal(t, sample.Battle, id)
	for _, bad := range []string{"", "00", strings.Repeat("0", 33), strings.Repeat("g", 32)} {
		_, err := ParseID(bad)
		require.EqualError(t, err, "identity must be 32 hexadecimal digits", bad)
	}
}

func TestOpeningDoesNotAllocate(t *testing.T) {
	k := keys(t, "1:"+key1)
	sealed := k.Seal(nil, &sample)
	var got Ticket
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if k.Open(sealed, &got) != nil {
			t.Error("refused")
		}
	}))
}

func FuzzOpen(f *testing.F) {
	k := keys(f, "1:"+key1)
	f.Add(k.Seal(nil, &sample))
	f.Add([]byte{version, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		var got Ticket
		if k.Open(b, &got) != nil {
			return
		}
		require.Equal(t, b, k.Seal(nil, &got), "what opens was sealed")
	})
}

func BenchmarkOpen(b *testing.B) {
	k := keys(b, "1:"+key1)
	sealed := k.Seal(nil, &sample)
	var got Ticket
	for b.Loop() {
		if k.Open(sealed, &got) != nil {
			b.Fatal("refused")
		}
	}
}
