package access

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/review"
)

var (
	participants = []Role{Applicant, Reviewer, Mentee, Mentor}
	staff        = []Role{Operator, Coordinator}
	engine       = Engine
)

func TestWhatIsNotInTheTableIsDenied(t *testing.T) {
	t.Parallel()
	roles := append(append(append([]Role{}, participants...), staff...), engine...)
	for _, role := range append(roles, "", "king") {
		require.ErrorIs(t, Allow(role, "tea.serve"), ErrRole, "%s", role)
		require.ErrorIs(t, Allow(role, ""), domain.Denied, "%s", role)
	}
	seen := map[Role]bool{}
	for command, allowed := range table {
		require.Regexp(t, `^[a-z]+\.[a-z]+(_[a-z]+)*$`, command)
		require.NotEmpty(t, allowed, command)
		require.Subset(t, roles, allowed, command)
		for _, role := range roles {
			may := false
			for _, a := range allowed {
				may, seen[a] = may || a == role, true
			}
			require.Equal(t, may, Allow(role, command) == nil, "%s, %s", role, command)
		}
		require.Error(t, Allow("king", command))
		require.Error(t, Allow("", command))
	}
	require.Len(t, seen, len(roles), "every role may do something")
}

func TestParticipantsActForThemselvesAndStaffForOthers(t *testing.T) {
	t.Parallel()
	for _, role := range participants {
		require.NoError(t, Own(role, "ana", "ana"), role)
		for _, owner := range []domain.Person{"ben", ""} {
			require.ErrorIs(t, Own(role, "ana", owner), ErrNotYours, role)
			require.ErrorIs(t, Own(role, "ana", owner), domain.Denied, role)
		}
	}
	for _, role := range append(append([]Role{}, staff...), engine...) {
		require.NoError(t, Own(role, "carla", "ana"), role)
	}
}

// What participants may do names whose it is: an application's person, a
// reviewer (not whose application it is), a side.
func TestWhatParticipantsDoSaysWhoseItIs(t *testing.T) {
	t.Parallel()
	ana := application.ID{Cycle: "autumn", Call: "mentees", Person: "ana"}
	file, rita := review.ID(ana), review.Reviewing{Reviewer: "rita"}
	mentor := match.Acting{Side: match.Mentor}
	own := map[string]any{
		"draft.start": application.StartDraft{ID: ana}, "application.submit": application.Submit{ID: ana}, "application.withdraw": application.Withdraw{ID: ana},
		"offer.accept": application.AcceptOffer{ID: ana}, "offer.decline": application.DeclineOffer{ID: ana},
		"review.open": review.Open{ID: file, Reviewing: rita}, "review.record": review.Record{ID: file, Reviewing: rita}, "conflict.declare": review.DeclareConflict{ID: file, Reviewing: rita},
		"match.accept": match.Accept{Acting: mentor}, "match.decline": match.Decline{Acting: mentor}, "agreement.sign": match.SignAgreement{Acting: mentor},
		"contact.make": match.MakeContact{Acting: mentor}, "reflection.file": match.FileReflection{Acting: mentor},
	}
	// One's own match, but nobody's side of it.
	pair := []string{"session.schedule", "session.reschedule", "session.cancel", "session.miss", "session.hold"}
	// Whose a task is changes: its own rules ask who acts.
	pair = append(pair, "task.claim", "task.delegate", "task.complete")
	for _, role := range participants {
		for command := range table {
			if Allow(role, command) != nil {
				continue
			}
			switch c := own[command].(type) {
			case interface{ Owner() domain.Person }:
				require.Equal(t, map[Role]domain.Person{Applicant: "ana", Reviewer: "rita"}[role], c.Owner(), command)
			case interface{ ActsFor() string }:
				require.Equal(t, match.Mentor, c.ActsFor(), command)
			default:
				require.Contains(t, pair, command)
			}
		}
	}
}

func TestAnExceptionSaysWhyAndByWhoseLeave(t *testing.T) {
	t.Parallel()
	require.NoError(t, Justify("session.hold", "", "", ""))
	require.ErrorIs(t, Justify("deadline.extend", "", "", "email"), ErrReason)
	require.NoError(t, Justify("deadline.extend", "power_cut", "", ""))
	require.ErrorIs(t, Justify("permit.grant", "power_cut", "", ""), ErrAuthority)
	require.NoError(t, Justify("permit.grant", "power_cut", "programme-owner", ""))
}

func TestWhatIsKeptForEverIsCodes(t *testing.T) {
	t.Parallel()
	for _, words := range []string{"Ana was ill", "Müller", "a,b"} {
		require.ErrorIs(t, Justify("session.hold", words, "", ""), domain.ErrCode)
		require.ErrorIs(t, Justify("session.hold", "", words, ""), domain.ErrCode)
		require.ErrorIs(t, Justify("session.hold", "", "", words), domain.ErrCode)
	}
}
