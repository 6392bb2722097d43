"""English words that tell who is meant: titles, given names, kin, pronouns, and what surrounds a tag.

Invariant: only data, in lower case except for given names and titles, which stand as prose spells them.
"""

from __future__ import annotations

from typing import Final


def word_set(words: str) -> frozenset[str]:
    """The words of a list."""
    return frozenset(words.split())


MALE_TITLES: Final = word_set(
    "Mr Mister Sir Lord Master Monsieur M Herr Signor Senor Don Father Brother Uncle Count Duke Prince King "
    "Earl Baron Marquis Marquess Viscount Squire Captain Capt Major Colonel Col General Gen Lieutenant Lieut "
    "Lt Sergeant Sgt Corporal Admiral Commander Rev Reverend Parson Bishop Canon Inspector Constable Detective "
    "Judge Esquire Grandfather Grandpa Papa Emperor Sheikh Rabbi"
)
FEMALE_TITLES: Final = word_set(
    "Mrs Miss Ms Madame Mme Mademoiselle Mlle Lady Dame Signora Signorina Senora Frau Fraulein Sister Aunt "
    "Auntie Countess Duchess Princess Queen Baroness Marchioness Viscountess Mother Grandmother Grandma Granny "
    "Mamma Mama Nurse Empress Mistress"
)
NEUTRAL_TITLES: Final = word_set("Dr Doctor Professor Prof Cousin Saint St President Justice Private")
QUALIFIERS: Final = word_set("Old Young Little Poor Dear Big Good The A An Honest Fat Great")
TITLES: Final = MALE_TITLES | FEMALE_TITLES | NEUTRAL_TITLES
RANKS: Final = {
    title: title.lower()
    for title in TITLES - word_set("Mr Mrs Miss Ms Mister Sir M Mme Mlle Don Dame Dr Capt Col Gen Lt Lieut Prof")
} | {"Dr": "doctor", "Capt": "captain", "Col": "colonel", "Gen": "general", "Lt": "lieutenant", "Prof": "professor"}
"""Titles that also stand alone as a noun: Captain Hale is `the captain`."""

MALE_NAMES: Final = word_set(
    "Adam Alan Albert Alec Alexander Alexey Alexis Alfred Algernon Ambrose Amos Andrew Angus Anthony Archibald "
    "Archie Arnold Arthur Augustus Barnaby Basil Ben Benjamin Bernard Bertie Bertram Bill Billy Bob Bobby "
    "Boris Brian Bruce Caleb Cecil Charles Charley Charlie Chris Christopher Clarence Claude Clement Clifford "
    "Clive Colin Cyril Daniel Dan Danny David Davy Denis Dick Dmitri Donald Douglas Ebenezer Eddie Edgar "
    "Edmund Edward Edwin Elijah Eric Ernest Ethan Eugene Eustace Ferdinand Francis Frank Franklin Frederick "
    "Fred Freddy Gabriel Geoffrey George Gerald Gilbert Giles Godfrey Gordon Graham Gregory Guy Harold Harry "
    "Hector Henry Herbert Herman Horace Howard Hubert Hugh Hugo Humphrey Ian Isaac Ivan Jack Jacob Jake James "
    "Jasper Jeff Jeremiah Jeremy Jerry Jim Jimmy Joe Joel John Johnny Jonas Jonathan Joseph Joshua Josiah "
    "Julian Julius Kenneth Kit Lawrence Laurence Leonard Leo Leslie Lewis Lionel Louis Lucas Luke Malcolm "
    "Marcus Mark Martin Matthew Maurice Max Maxim Michael Mike Miles Mortimer Moses Nathan Nathaniel Ned Neil "
    "Nicholas Nick Nicolas Nigel Noah Noel Oliver Oscar Oswald Owen Patrick Paul Percy Peter Phil Philip Piers "
    "Ralph Randolph Raymond Reginald Reuben Rex Richard Robert Robin Rodney Roger Roland Ronald Rufus Rupert "
    "Sam Samuel Saul Sebastian Septimus Sidney Silas Simon Solomon Stanley Stephen Steve Steven Stuart Sydney "
    "Ted Terence Theodore Thomas Tim Timothy Tobias Toby Tom Tommy Tony Tristram Vernon Victor Vincent Vivian "
    "Walter Wilfred Wilfrid Will William Willie Willy Winston Jem Lucius Cornelius Fyodor Pyotr Nikolai Sergei "
    "Pavel Pierre Jean Jacques Henri Carlos Pedro Juan Antonio Giovanni Heinrich Karl Fritz Otto Hans Ahmed "
    "Ali Aziz Hassan Mahmoud Ramon Diego"
)
FEMALE_NAMES: Final = word_set(
    "Ada Adela Adelaide Adele Agatha Agnes Alexandra Alice Alison Amanda Amelia Amy Anastasia Angela Angelica "
    "Ann Anna Annabel Anne Annie Antonia Arabella Augusta Barbara Beatrice Becky Belinda Bella Bertha Bess "
    "Bessie Beth Betsy Betty Blanche Brenda Bridget Camilla Carol Caroline Carrie Catherine Cathy Cecilia "
    "Cecily Celia Charlotte Clara Clarissa Clementina Constance Cora Cordelia Cynthia Daisy Deborah Delia "
    "Diana Dinah Dolly Dora Doris Dorothea Dorothy Edith Edna Effie Eleanor Elinor Eliza Elizabeth Ella Ellen "
    "Elsie Emily Emma Estella Esther Ethel Eugenia Eunice Eva Eve Evelyn Fanny Flora Florence Frances Gertrude "
    "Gladys Grace Gwendolen Gwendolyn Hannah Harriet Hazel Helen Helena Henrietta Hester Hilda Honoria Ida "
    "Imogen Irene Iris Isabel Isabella Ivy Jane Janet Jean Jeannie Jennie Jenny Jessica Jessie Joan Joanna "
    "Josephine Joyce Judith Julia Juliet Kate Katherine Kathleen Kathryn Katie Kitty Laetitia Laura Lavinia "
    "Letitia Letty Lilian Lillian Lily Lizzie Lizzy Louisa Louise Lucy Lydia Mabel Madeline Madge Maggie Mamie "
    "Margaret Margery Maria Marian Marianne Marie Marilla Marion Marjorie Martha Mary Matilda Maud Maude May "
    "Meg Mercy Mildred Millicent Millie Minnie Miranda Miriam Molly Monica Muriel Myra Nan Nancy Naomi Natalia "
    "Natasha Nell Nellie Nelly Nora Norah Olive Olivia Ophelia Pamela Patience Patricia Pauline Pearl Peggy "
    "Penelope Philippa Phoebe Phyllis Polina Polly Priscilla Prudence Rachel Rebecca Rhoda Rosa Rosalie "
    "Rosalind Rosamond Rose Rosie Ruth Sally Sarah Selina Serena Sibyl Sophia Sophie Sonia Stella Susan "
    "Susannah Sybil Sylvia Tabitha Tess Theodora Theresa Thomasin Ursula Vera Veronica Victoria Viola Violet "
    "Virginia Winifred Zoe Brett Blanca Dulcinea"
)

MALE_NOUNS: Final = word_set(
    "man gentleman boy lad fellow father brother son husband uncle nephew grandfather king prince lord duke "
    "earl count baron squire knight sailor soldier captain colonel major general lieutenant sergeant policeman "
    "constable inspector detective officer butler footman coachman waiter porter priest clergyman parson vicar "
    "curate bishop monk friar landlord blacksmith lawyer solicitor banker merchant farmer gardener groom "
    "hunter cowboy shepherd sheriff chief guardsman workman watchman fisherman boatman frenchman englishman "
    "irishman scotchman american german chap youth widower bridegroom bachelor host master papa grandpa dad "
    "daddy conductor driver steward cobbler convict artist painter poet philosopher doctor surgeon professor "
    "admiral mate engineer judge baronet marquis dwarf giant"
)
FEMALE_NOUNS: Final = word_set(
    "woman lady girl mother sister daughter wife aunt niece grandmother queen princess duchess countess "
    "baroness maid housemaid parlourmaid servant-girl widow nurse governess housekeeper landlady hostess "
    "mistress mamma mama grandma mum bride nun spinster actress waitress matron dame maiden lass heiress witch "
    "laundress cook dowager"
)
KIN: Final = word_set(
    "father mother sister brother wife husband son daughter uncle aunt cousin nephew niece friend companion "
    "master mistress grandfather grandmother guardian visitor guest host hostess brother-in-law sister-in-law"
)
"""Heads that name a person by somebody else (`his wife`): they say nothing about who it is the next time."""

MALE_VOCATIVES: Final = word_set("sir mister father papa uncle lad sonny fellow boy gentlemen master monsieur")
FEMALE_VOCATIVES: Final = word_set(
    "madam ma'am ma’am miss mother mamma mama aunt auntie lass girl ladies madame mademoiselle mum milady"
)

KIN_VOCATIVES: Final = word_set("father papa uncle mother mamma mama aunt auntie mum")

PARTS: Final = word_set(
    "voice voices eyes eye face lips lip mouth hand hands head heart tone tones brow brows cheek cheeks smile "
    "laugh answer reply words question remark comment response whisper cry exclamation retort"
)
"""What speaks or moves for a person: in `his voice shook` it is he who counts."""

PRONOUNS: Final = {"he": "m", "she": "f", "i": "i", "they": "p", "we": "i"}
GENDERED: Final = {
    "he": "m", "him": "m", "his": "m", "himself": "m", "she": "f", "her": "f", "hers": "f", "herself": "f"
}  # fmt: skip

OBJECTS: Final = {"him": "m", "her": "f", "me": "i", "us": "i"}
"""Pronouns for who is spoken to."""

DETERMINERS: Final = word_set("the a an his her my our their this that its one another your some")
STOPS: Final = word_set(
    "and or but in on at to with from of by for as if when while who whom whose which that then than into upon "
    "over under after before behind beside between through without within against toward towards about was "
    "were is are am be been had has have did does do could would should might may must can will shall not "
    "never quite very so too again now there here up down out away back off"
)
PREPOSITIONS: Final = word_set(
    "to of at with from by for on upon in into near toward towards behind beside between against about after "
    "before like than over through without past round around under above beyond across let told asked called "
    "named see saw hear heard giving gave give taking took seeing following facing watching leaving addressing"
)
ADVERBS: Final = word_set(
    "out on back in then again just only also still now at last once up over aloud forth away so too next had "
    "has here always never ever quickly little more very rather quite almost the same time"
)
CONNECTIVES: Final = word_set("and but then so now at last once again presently suddenly only still yet")
